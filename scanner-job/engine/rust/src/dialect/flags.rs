//! What `(?i)` and its like switch.

use super::Refusal;
use super::cursor::Cursor;

/// The switches that matter to a rule. `s`, `m`, `U` and `J` change nothing about which lines match: a line has no
/// newline for `.` or `^` to meet, how much a quantifier takes matters to PCRE2 only, and it reads them again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub caseless: bool,
    pub spaced: bool,
    pub spaced_classes: bool,
    pub plain_groups: bool,
}

impl Flags {
    /// Read the letters behind `(?`, up to `)` or `:`.
    pub fn read(mut self, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let fixed = cursor.eat("^");
        if fixed {
            self = Self::default();
        }
        let mut on = true;
        loop {
            match cursor.peek() {
                Some(b')' | b':') => return Ok(self),
                Some(b'-') if on && !fixed => on = false,
                Some(b'-') => {
                    return Err(Refusal::new(
                        cursor.at,
                        format!("a hyphen too many in the options at {}", cursor.at),
                    ));
                }
                Some(b'i') => self.caseless = on,
                Some(b'n') => self.plain_groups = on,
                Some(b'x') => {
                    self.spaced_classes = on && cursor.peek_at(1) == Some(b'x');
                    self.spaced = on;
                    cursor.take_while(usize::MAX, |byte| byte == b'x');
                    continue;
                }
                Some(b's' | b'm' | b'U' | b'J') => {}
                Some(_) => return Err(unknown(cursor)),
                None => {
                    return Err(Refusal::new(
                        cursor.at,
                        "the options at the end have no closing parenthesis",
                    ));
                }
            }
            cursor.at += 1;
        }
    }
}

fn unknown(cursor: &Cursor<'_>) -> Refusal {
    let text: String = cursor
        .source
        .get(cursor.at..)
        .unwrap_or_default()
        .chars()
        .take(1)
        .collect();
    Refusal::new(
        cursor.at,
        format!("{text:?} at {} is no option or kind of group", cursor.at),
    )
}
