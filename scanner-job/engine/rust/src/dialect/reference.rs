//! Names and numbers of groups, and what refers to them.

use regex_syntax::hir::{Dot, Hir, Repetition};

use super::Refusal;
use super::parser::{Item, Parser};
use super::sequence::Piece;

/// Of a group's name, as in PCRE2 10.42.
const MAX_NAME: usize = 32;

impl Parser<'_> {
    pub fn name(&mut self, end: u8, at: usize) -> Result<(), Refusal> {
        let name = self.cursor.until(end).unwrap_or_default();
        let letters = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !letters
            || name.is_empty()
            || name.len() > MAX_NAME
            || name.as_bytes()[0].is_ascii_digit()
        {
            return Err(Refusal::new(
                at,
                format!(
                    "the name of a group at {at} is not 1 to {MAX_NAME} ASCII letters, digits and '_'"
                ),
            ));
        }
        Ok(())
    }

    /// `(?R)`, `(?1)`, `(?&name)`: the text is known only while matching.
    pub fn subroutine(&mut self, at: usize) -> Result<Item, Refusal> {
        if self.cursor.eat("&") {
            self.name(b')', at)?;
        } else if !self.cursor.eat("R)") {
            self.number(b')', at)?;
        }
        Ok(self.unknown_text())
    }

    fn number(&mut self, end: u8, at: usize) -> Result<(), Refusal> {
        let text = self.cursor.until(end).unwrap_or_default();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::new(
                at,
                format!("the reference at {at} has no number of a group"),
            ));
        }
        Ok(())
    }

    /// `\1`, `\g{..}` and `\k<..>`; the cursor is behind the letter, or at the digit.
    pub fn reference(&mut self, letter: u8, at: usize) -> Result<Item, Refusal> {
        let numbered = letter == b'g';
        let end = match self.cursor.peek() {
            Some(b'{') => b'}',
            Some(b'<') => b'>',
            Some(b'\'') => b'\'',
            _ if letter != b'k' => {
                let _sign = numbered && (self.cursor.eat("-") || self.cursor.eat("+"));
                if self
                    .cursor
                    .take_while(usize::MAX, |byte| byte.is_ascii_digit())
                    .is_empty()
                {
                    return Err(Refusal::new(
                        at,
                        format!(r"\g at {at} is not followed by a group's name or number"),
                    ));
                }
                return Ok(self.unknown_text());
            }
            _ => {
                return Err(Refusal::new(
                    at,
                    format!(r"\k at {at} is not followed by a group's name"),
                ));
            }
        };
        self.cursor.at += 1;
        if numbered && matches!(self.cursor.peek(), Some(b'0'..=b'9' | b'+' | b'-')) {
            self.number(end, at)?;
        } else {
            self.name(end, at)?;
        }
        Ok(self.unknown_text())
    }

    /// Text that is known only while matching.
    pub fn unknown_text(&mut self) -> Item {
        self.loose = true;
        let sub = Box::new(Hir::dot(Dot::AnyByte));
        Piece::item(Hir::repetition(Repetition {
            min: 0,
            max: None,
            greedy: true,
            sub,
        }))
        .into()
    }
}
