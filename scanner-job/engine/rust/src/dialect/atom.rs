//! Single items: literals, classes, escapes.

use regex_syntax::hir::{Dot, Hir, Look};

use super::escape::{self, Context, Escaped};
use super::parser::{Item, Parser};
use super::quantifier;
use super::sequence::Piece;
use super::sets::Set;
use super::{Refusal, class, posix};

impl Parser<'_> {
    /// Read one item. `None` is a switch such as `(?i)`.
    pub fn item(&mut self) -> Result<Option<Item>, Refusal> {
        let at = self.cursor.at;
        if self.quoting {
            return self.literal().map(Some);
        }
        if self.quantifier()?.is_some() {
            return Err(quantifier::stray(at));
        }
        match self.cursor.peek() {
            Some(b'(') => return self.group(),
            Some(b'[') => self.class(),
            Some(b'\\') => self.escape(),
            Some(b'^') => Ok(self.place(Look::Start)),
            Some(b'$') => Ok(self.place(Look::End)),
            Some(b'.') => Ok(self.dot()),
            _ => self.literal(),
        }
        .map(Some)
    }

    fn literal(&mut self) -> Result<Item, Refusal> {
        let at = self.cursor.at;
        match self.cursor.code(self.options.unicode) {
            Some(0x0a) => Err(Refusal::new(
                at,
                format!("a newline at {at} can never match: rules are matched line by line"),
            )),
            code => Ok(self.code(code.unwrap_or_default()).into()),
        }
    }

    fn code(&self, code: u32) -> Piece {
        let unicode = self.options.unicode;
        if self.flags.caseless
            && let Some(hir) = Set::range(code, code).folded(unicode).hir(unicode)
        {
            return Piece::item(hir);
        }
        let mut buffer = [0; 4];
        Piece::item(Hir::literal(
            match (u8::try_from(code), char::from_u32(code)) {
                (Ok(byte), _) if !unicode => vec![byte],
                (_, Some(character)) => character.encode_utf8(&mut buffer).as_bytes().to_vec(),
                _ => Vec::new(),
            },
        ))
    }

    fn place(&mut self, look: Look) -> Item {
        self.cursor.at += 1;
        Item {
            piece: Piece::place(Hir::look(look)),
            repeatable: false,
        }
    }

    fn dot(&mut self) -> Item {
        self.cursor.at += 1;
        self.anything().into()
    }

    pub fn anything(&self) -> Piece {
        Piece::item(Hir::dot(if self.options.unicode {
            Dot::AnyCharExceptLF
        } else {
            Dot::AnyByteExceptLF
        }))
    }

    fn context(&self, in_class: bool) -> Context {
        Context {
            options: self.options,
            caseless: self.flags.caseless,
            in_class,
            groups: self.groups,
        }
    }

    fn class(&mut self) -> Result<Item, Refusal> {
        let at = self.cursor.at;
        for (text, look) in [
            ("[[:<:]]", Look::WordStartAscii),
            ("[[:>:]]", Look::WordEndAscii),
        ] {
            if self.cursor.eat(text) {
                return Ok(Piece::place(self.word_place(look)).into());
            }
        }
        if posix::name(self.cursor.rest()).is_some() {
            return Err(Refusal::new(
                at,
                format!("the named class at {at} stands outside of brackets: write [[:name:]]"),
            ));
        }
        self.cursor.at += 1;
        let context = self.context(true);
        let class = class::read(&mut self.cursor, at, &context, self.flags.spaced_classes)?;
        Ok(self.known(class).into())
    }

    /// A set, or any character in place of one that only PCRE2 knows.
    pub fn known(&mut self, hir: Option<Hir>) -> Piece {
        Piece::item(hir.unwrap_or_else(|| {
            self.loose = true;
            class::any(self.options.unicode)
        }))
    }

    fn escape(&mut self) -> Result<Item, Refusal> {
        let at = self.cursor.at;
        self.cursor.at += 1;
        let context = self.context(false);
        match escape::read(&mut self.cursor, at, &context)? {
            Escaped::Code(0x0a) => Err(Refusal::new(
                at,
                format!("the newline at {at} can never match: rules are matched line by line"),
            )),
            Escaped::Code(code) => Ok(self.code(code).into()),
            Escaped::Set(set) => {
                match self.cursor.source.as_bytes()[at + 1] {
                    b'S' => self.confusable.0 = true,
                    b'h' | b'v' => self.confusable.1 = true,
                    _ => {}
                }
                let hir = set.hir(self.options.unicode).ok_or_else(|| {
                    Refusal::new(
                        at,
                        format!("the set of characters at {at} matches nothing within a line"),
                    )
                })?;
                Ok(Piece::item(hir).into())
            }
            Escaped::Unknown => Ok(self.known(None).into()),
            Escaped::Letter(letter) => self.letter(letter, at),
        }
    }
}
