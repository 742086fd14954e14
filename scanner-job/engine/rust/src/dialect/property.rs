//! `\p{..}` and `\P{..}`.

use super::Refusal;
use super::cursor::Cursor;
use super::sets::Set;

/// The general categories by the letters of their names.
const CATEGORIES: [&str; 37] = [
    "c", "cc", "cf", "cn", "co", "cs", "l", "ll", "lm", "lo", "lt", "lu", "m", "mc", "me", "mn",
    "n", "nd", "nl", "no", "p", "pc", "pd", "pe", "pf", "pi", "po", "ps", "s", "sc", "sk", "sm",
    "so", "z", "zl", "zp", "zs",
];

/// Read what follows `\p` or `\P` at `start`. `None` is a property that only PCRE2 knows.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    start: usize,
    unicode: bool,
    caseless: bool,
) -> Result<Option<Set>, Refusal> {
    let mut negated = cursor.source.as_bytes()[start + 1] == b'P';
    let name = name(cursor).ok_or_else(|| {
        Refusal::new(
            start,
            format!(r"\p or \P at {start} is not followed by a property such as {{Lu}}"),
        )
    })?;
    let name = match name.strip_prefix('^') {
        Some(positive) => {
            negated = !negated;
            positive
        }
        None => name,
    };
    let name: String = name
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-' | '\t'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if name.contains('^') {
        return Err(Refusal::new(
            start,
            format!("the property at {start} is unknown"),
        ));
    }
    if caseless && matches!(name.as_str(), "lu" | "ll" | "lt") {
        return Err(Refusal::new(
            start,
            format!(
                r"\p{{{name}}} at {start} without regard to case is read differently by versions of PCRE2"
            ),
        ));
    }
    Ok(named(&name, unicode).map(|set| if negated { set.negated(unicode) } else { set }))
}

fn name<'p>(cursor: &mut Cursor<'p>) -> Option<&'p str> {
    if cursor.eat("{") {
        return cursor.until(b'}');
    }
    Some(cursor.take_while(1, |byte| byte.is_ascii_alphabetic())).filter(|name| !name.is_empty())
}

fn named(name: &str, unicode: bool) -> Option<Set> {
    let syntax = match name {
        "any" => r"[\x{0}-\x{10ffff}]".to_owned(),
        "l&" | "lc" => r"[\p{Lu}\p{Ll}\p{Lt}]".to_owned(),
        "xan" => r"[\p{L}\p{N}]".to_owned(),
        "xsp" | "xps" => {
            let spaces = Set::named(b's', true)?;
            return Some(spaces.negated(unicode).negated(unicode));
        }
        name if CATEGORIES.contains(&name) => format!(r"\p{{{name}}}"),
        _ => return None,
    };
    Some(Set::of(&syntax, unicode))
}
