//! Classes as literals of one character.

use regex_syntax::hir::{Class, ClassBytes, ClassUnicode};

use super::{DIGIT, EITHER_CASE, Literal};

/// The most literals that a class becomes: `[abc]` is worth looking for, `\w` is not.
const MOST: usize = 4;
/// The most characters that are worth counting, in both cases and with Unicode's relatives: `k`, `K` and the Kelvin sign.
const MOST_CHARACTERS: usize = 12;

/// Returns what the class matches and whether exactly that, or nothing if the class is too large.
///
/// Newlines are left out: a line holds none.
pub(super) fn literals_of(class: &Class) -> Option<(Vec<Literal>, bool)> {
    let (mut bytes, characters) = match class {
        Class::Bytes(class) => (bytes_of(class)?, Vec::new()),
        Class::Unicode(class) => characters_of(class)?,
    };
    bytes.retain(|&byte| byte != b'\n');
    if bytes == b"0123456789" && characters.is_empty() {
        return Some((vec![Literal::masked(b'0', DIGIT)], false));
    }
    let mut literals = fold_case(&bytes);
    literals.extend(
        characters
            .iter()
            .map(|c| Literal::exactly(c.encode_utf8(&mut [0; 4]).as_bytes())),
    );
    (1..=MOST)
        .contains(&literals.len())
        .then_some((literals, true))
}

fn bytes_of(class: &ClassBytes) -> Option<Vec<u8>> {
    let size: usize = class.ranges().iter().map(|range| range.len()).sum();
    (size <= MOST_CHARACTERS).then(|| {
        class
            .ranges()
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .collect()
    })
}

/// Returns the ASCII characters and the others.
fn characters_of(class: &ClassUnicode) -> Option<(Vec<u8>, Vec<char>)> {
    let size: usize = class.ranges().iter().map(|range| range.len()).sum();
    if size > MOST_CHARACTERS {
        return None;
    }
    let all = class
        .ranges()
        .iter()
        .flat_map(|range| range.start()..=range.end());
    let (ascii, others): (Vec<char>, Vec<char>) = all.partition(char::is_ascii);
    Some((ascii.into_iter().map(|c| c as u8).collect(), others))
}

/// Makes one literal of a letter that is there in both cases.
fn fold_case(bytes: &[u8]) -> Vec<Literal> {
    bytes
        .iter()
        .filter(|byte| !(byte.is_ascii_lowercase() && bytes.contains(&byte.to_ascii_uppercase())))
        .map(|&byte| {
            let both = byte.is_ascii_uppercase() && bytes.contains(&byte.to_ascii_lowercase());
            Literal::masked(byte, if both { EITHER_CASE } else { 0xFF })
        })
        .collect()
}
