//! `[:name:]` in a character class.

use super::Refusal;
use super::class::Class;
use super::sets::Set;

impl Class<'_, '_> {
    /// Read `[:name:]` if it comes next.
    pub fn posix(&mut self) -> Result<bool, Refusal> {
        let at = self.cursor.at;
        let Some((kind, name)) = name(self.cursor.rest()) else {
            return Ok(false);
        };
        self.cursor.at += name.len() + 4;
        let name = String::from_utf8_lossy(name);
        if kind != b':' {
            return Err(Refusal::new(
                at,
                format!("the collating element at {at} is not supported by PCRE2"),
            ));
        }
        let unicode = self.context.options.unicode;
        let (negated, plain) = name
            .strip_prefix('^')
            .map_or((false, &*name), |plain| (true, plain));
        // Without regard to case PCRE2 treats both as letters, also where the class is negated.
        let cased = self.context.caseless && matches!(plain, "lower" | "upper");
        if Set::posix(plain, false).is_none() {
            return Err(Refusal::new(
                at,
                format!(
                    "[:{name}:] in the character class at {} is unknown",
                    self.start
                ),
            ));
        }
        let set = match Set::posix(if cased { "alpha" } else { plain }, unicode) {
            Some(_) if cased && unicode => None,
            Some(set) if negated => Some(set.negated(unicode)),
            set => set,
        };
        self.set(set.as_ref())?;
        Ok(true)
    }
}

/// The kind and the name of `[:name:]`, `[.x.]` and `[=x=]`, if the bytes begin with one.
pub(super) fn name(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let kind = *bytes
        .get(1)
        .filter(|byte| matches!(byte, b':' | b'.' | b'='))?;
    let mut at = 2;
    while let (Some(byte), Some(next)) = (bytes.get(at), bytes.get(at + 1)) {
        match (*byte, *next) {
            (b'\\', b']' | b'\\') => at += 1,
            (b']', _) => return None,
            (b'[', next) if next == kind => return None,
            (byte, b']') if byte == kind => return Some((kind, &bytes[2..at])),
            _ => {}
        }
        at += 1;
    }
    None
}
