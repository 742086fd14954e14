//! Escapes of letters that mean more than one character, outside of a class.

use regex_syntax::hir::{Dot, Hir, Look, Repetition};

use super::Refusal;
use super::parser::{Item, Parser};
use super::sequence::Piece;
use super::sets::Set;

impl Parser<'_> {
    pub fn letter(&mut self, letter: u8, at: usize) -> Result<Item, Refusal> {
        let unicode = self.options.unicode;
        Ok(match letter {
            b'A' | b'G' => Item {
                piece: Piece::place(Hir::look(Look::Start)),
                repeatable: false,
            },
            b'z' | b'Z' => Item {
                piece: Piece::place(Hir::look(Look::End)),
                repeatable: false,
            },
            b'b' => Item {
                piece: Piece::place(self.word_place(Look::WordAscii)),
                repeatable: false,
            },
            b'B' => Item {
                piece: Piece::place(self.word_place(Look::WordAsciiNegate)),
                repeatable: false,
            },
            b'K' => Item {
                piece: Piece::place(Hir::empty()),
                repeatable: false,
            },
            b'N' => self.not_newline(at)?,
            b'R' => self.newline_form(),
            b'X' => self.cluster(at)?,
            b'C' if !unicode => Piece::item(Hir::dot(Dot::AnyByte)).into(),
            b'C' => {
                return Err(Refusal::new(
                    at,
                    format!(r"\C at {at} would split a character of a Unicode rule"),
                ));
            }
            b'1'..=b'9' | b'g' | b'k' => self.reference(letter, at)?,
            _ => {
                let letter = char::from(letter);
                return Err(Refusal::new(
                    at,
                    format!(r"\{letter} at {at} has no meaning in PCRE2"),
                ));
            }
        })
    }

    /// A place between words. PCRE2's Unicode words are not those of Rust: it judges.
    pub fn word_place(&mut self, look: Look) -> Hir {
        if self.options.unicode {
            self.loose = true;
            return Hir::empty();
        }
        Hir::look(look)
    }

    fn not_newline(&mut self, at: usize) -> Result<Item, Refusal> {
        let before = self.cursor.at;
        if self.cursor.peek() == Some(b'{') && self.quantifier()?.is_none() {
            return Err(Refusal::new(
                at,
                format!(r"\N{{..}} at {at} is not supported: write \x{{..}} or the character"),
            ));
        }
        self.cursor.at = before;
        Ok(self.anything().into())
    }

    /// `\R`: within a line one of the newline's other forms. PCRE2 confirms it, since it treats `.*` in front of it as a
    /// possessive one, which finds fewer lines.
    fn newline_form(&mut self) -> Item {
        self.loose = true;
        let unicode = self.options.unicode;
        self.known(Set::named(b'v', unicode).and_then(|set| set.hir(unicode)))
            .into()
    }

    fn cluster(&mut self, at: usize) -> Result<Item, Refusal> {
        if !self.options.unicode {
            return Err(Refusal::new(
                at,
                format!(r"\X at {at} is about characters, which only a Unicode rule has"),
            ));
        }
        self.loose = true;
        let sub = Box::new(Hir::dot(Dot::AnyByte));
        Ok(Piece::item(Hir::repetition(Repetition {
            min: 1,
            max: None,
            greedy: true,
            sub,
        }))
        .into())
    }
}
