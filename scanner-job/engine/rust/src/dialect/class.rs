//! Character classes: `[...]`.

use regex_syntax::hir::{Dot, Hir};

use super::Refusal;
use super::cursor::Cursor;
use super::escape::{self, Context, Escaped};
use super::parser::MAX_SIZE;
use super::sets::Set;

/// A class read so far.
pub(super) struct Class<'c, 'p> {
    pub cursor: &'c mut Cursor<'p>,
    pub context: &'c Context,
    /// `(?xx)`: spaces and tabs count for nothing.
    spaced: bool,
    pub start: usize,
    quoting: bool,
    members: Set,
    /// Ranges of codes taken in, each of which costs a step over all members.
    work: usize,
    range: Range,
    /// Something in it is known to PCRE2 only.
    unknown: bool,
}

/// Whether the last member can begin a range, or has.
enum Range {
    No,
    Low(u32),
    Open(u32),
}

/// Read the class whose bracket is at `start`; the cursor is behind the bracket. `None` is a class that only PCRE2 knows.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    start: usize,
    context: &Context,
    spaced: bool,
) -> Result<Option<Hir>, Refusal> {
    let class = Class {
        cursor,
        context,
        spaced,
        start,
        quoting: false,
        members: Set::empty(),
        work: 0,
        range: Range::No,
        unknown: false,
    };
    class.read()
}

/// Any character, for a class that only PCRE2 knows.
pub(super) fn any(unicode: bool) -> Hir {
    Hir::dot(if unicode { Dot::AnyChar } else { Dot::AnyByte })
}

impl Class<'_, '_> {
    fn read(mut self) -> Result<Option<Hir>, Refusal> {
        self.skip();
        let negated = self.cursor.eat("^");
        self.skip();
        if self.cursor.eat("]") {
            self.code(u32::from(b']'))?;
        }
        while self.member()? {}
        if let Range::Open(_) = self.range {
            self.members
                .add(&Set::range(u32::from(b'-'), u32::from(b'-')));
        }
        if self.unknown {
            return Ok(None);
        }
        let unicode = self.context.options.unicode;
        let members = if negated {
            self.members.negated(unicode)
        } else {
            self.members
        };
        members.hir(unicode).map(Some).ok_or_else(|| {
            Refusal::new(
                self.start,
                format!(
                    "the character class at {} matches nothing within a line",
                    self.start
                ),
            )
        })
    }

    /// Step over what counts for nothing: `\E`, `\Q\E` and, with `(?xx)`, spaces.
    fn skip(&mut self) {
        while self.cursor.eat(r"\E")
            || self.cursor.eat(r"\Q\E")
            || (self.spaced && (self.cursor.eat(" ") || self.cursor.eat("\t")))
        {}
    }

    /// Read one more member. False at the closing bracket.
    fn member(&mut self) -> Result<bool, Refusal> {
        if self.quoting {
            if self.cursor.eat(r"\E") {
                self.quoting = false;
            } else {
                self.literal()?;
            }
            return Ok(true);
        }
        self.skip();
        if self.cursor.eat(r"\Q") {
            self.quoting = true;
        } else if self.cursor.eat("]") {
            return Ok(false);
        } else if self.cursor.peek() == Some(b'[') && self.posix()? {
        } else if self.cursor.peek() == Some(b'\\') {
            self.escape()?;
        } else if let (Some(b'-'), Range::Low(low)) = (self.cursor.peek(), &self.range) {
            self.range = Range::Open(*low);
            self.cursor.at += 1;
        } else {
            self.literal()?;
        }
        Ok(true)
    }

    fn literal(&mut self) -> Result<(), Refusal> {
        let unicode = self.context.options.unicode;
        match self.cursor.code(unicode) {
            None => Err(Refusal::new(
                self.start,
                format!("the character class at {} has no end", self.start),
            )),
            Some(code) if code >= 0x80 && !unicode => Err(Refusal::new(
                self.start,
                format!(
                    "the character class at {} has a letter beyond ASCII, which is several bytes: \
                     use an alternation such as (?:ä|ö)",
                    self.start
                ),
            )),
            Some(code) => self.code(code),
        }
    }

    /// Take in one code: alone, or as an end of a range.
    fn code(&mut self, code: u32) -> Result<(), Refusal> {
        let low = match self.range {
            Range::Open(low) => low,
            _ => code,
        };
        if low > code {
            return Err(Refusal::new(
                self.start,
                format!(
                    "the range in the character class at {} is out of order",
                    self.start
                ),
            ));
        }
        self.range = if matches!(self.range, Range::Open(_)) {
            Range::No
        } else {
            Range::Low(code)
        };
        let codes = Set::range(low, code);
        self.members.add(&if self.context.caseless {
            codes.folded(self.context.options.unicode)
        } else {
            codes
        });
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let at = self.cursor.at;
        self.cursor.at += 1;
        if self.cursor.peek().is_none() {
            return Err(Refusal::new(
                at,
                format!("the character class at {} ends in a backslash", self.start),
            ));
        }
        match escape::read(self.cursor, at, self.context)? {
            Escaped::Code(code)
                if code > 0x7f
                    && !self.context.options.unicode
                    && self.cursor.source.as_bytes()[at + 1] > 0x7f =>
            {
                self.cursor.at = at + 1;
                self.literal()
            }
            Escaped::Code(code) => self.code(code),
            Escaped::Set(set) => self.set(Some(&set)),
            Escaped::Unknown => self.set(None),
            Escaped::Letter(b'b') => self.code(0x08),
            Escaped::Letter(letter) => Err(Refusal::new(
                at,
                format!(
                    r"\{} at {at} has no meaning in a character class",
                    char::from(letter)
                ),
            )),
        }
    }

    /// Take in a set, which cannot be an end of a range.
    pub fn set(&mut self, set: Option<&Set>) -> Result<(), Refusal> {
        let before = matches!(self.range, Range::Open(_));
        let mut rest = self.cursor.rest();
        while let Some(behind) = rest.strip_prefix(br"\E") {
            rest = behind;
        }
        let after = rest.starts_with(b"-") && rest.get(1).is_some_and(|byte| *byte != b']');
        if before || after {
            return Err(Refusal::new(
                self.start,
                format!(
                    "a range in the character class at {} begins or ends with a set of characters: \
                     write the hyphen first or last",
                    self.start
                ),
            ));
        }
        self.range = Range::No;
        match set {
            Some(set) => self.members.add(set),
            None => self.unknown = true,
        }
        self.work += set.map_or(0, Set::ranges);
        if self.work > MAX_SIZE {
            return Err(Refusal::new(
                self.start,
                format!("the character class at {} is too large", self.start),
            ));
        }
        Ok(())
    }
}
