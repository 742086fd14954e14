//! Groups, assertions and conditions.

use regex_syntax::hir::Hir;

use super::Refusal;
use super::parser::{Item, Parser};
use super::sequence::{self, Piece, Role};

/// Groups within groups. PCRE2 would take 250.
const MAX_DEPTH: usize = 100;

impl Parser<'_> {
    /// Read what begins with a parenthesis. `None` is a switch such as `(?i)`.
    pub fn group(&mut self) -> Result<Option<Item>, Refusal> {
        let at = self.cursor.at;
        self.cursor.at += 1;
        if self.cursor.eat("*") {
            return Err(Refusal::new(
                at,
                format!("a verb (*...) at {at} is not supported in rules"),
            ));
        }
        if !self.cursor.eat("?") {
            self.groups += usize::from(!self.flags.plain_groups);
            return self.plain(at).map(Some);
        }
        if let Some(item) = self.assertion(at)? {
            return Ok(Some(item));
        }
        if let Some(item) = self.named(at)? {
            return Ok(Some(item));
        }
        let recursion = matches!(self.cursor.peek_at(1), Some(b'0'..=b'9'));
        match self.cursor.peek() {
            Some(b':' | b'|' | b'>') => self.marked(at).map(Some),
            Some(b'(') => self.condition(at).map(Some),
            Some(b'R' | b'&' | b'0'..=b'9') => self.subroutine(at).map(Some),
            Some(b'+' | b'-') if recursion => self.subroutine(at).map(Some),
            Some(b'C') => Err(Refusal::new(
                at,
                format!("a callout (?C...) at {at} is not supported in rules"),
            )),
            _ => self.switches(at),
        }
    }

    fn plain(&mut self, at: usize) -> Result<Item, Refusal> {
        let branches = self.body(at, false)?;
        Ok(self.close(branches).into())
    }

    /// `(?:`, `(?|` and `(?>`.
    fn marked(&mut self, at: usize) -> Result<Item, Refusal> {
        let mark = self.cursor.next();
        self.loose |= mark == Some(b'>');
        let branches = self.body(at, mark == Some(b'|'))?;
        Ok(self.close(branches).into())
    }

    fn switches(&mut self, at: usize) -> Result<Option<Item>, Refusal> {
        let outer = self.flags;
        self.flags = outer.read(&mut self.cursor)?;
        if self.cursor.eat(")") {
            return Ok(None);
        }
        self.cursor.at += 1;
        let item = self.plain(at);
        self.flags = outer;
        item.map(Some)
    }

    /// Read a group's alternatives and its closing parenthesis.
    fn body(&mut self, at: usize, reset: bool) -> Result<Vec<Vec<Piece>>, Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(Refusal::new(
                at,
                format!("the group at {at} is more than {MAX_DEPTH} groups deep"),
            ));
        }
        self.depth += 1;
        let flags = self.flags;
        let branches = self.alternatives(reset)?;
        self.flags = flags;
        self.depth -= 1;
        if self.cursor.eat(")") {
            return Ok(branches);
        }
        Err(Refusal::new(
            at,
            format!("the group at {at} has no closing parenthesis"),
        ))
    }

    fn close(&mut self, branches: Vec<Vec<Piece>>) -> Piece {
        let size = branches
            .iter()
            .flatten()
            .map(|piece| piece.size)
            .sum::<usize>()
            .max(1);
        let mut hirs = Vec::with_capacity(branches.len());
        for branch in branches {
            let (hir, exact) = sequence::inner(branch);
            self.loose |= !exact;
            hirs.push(hir);
        }
        Piece {
            hir: Hir::alternation(hirs),
            role: Role::Item,
            size,
        }
    }

    fn assertion(&mut self, at: usize) -> Result<Option<Item>, Refusal> {
        let kinds = [
            ("=", Some(Role::Ahead)),
            ("*", Some(Role::Ahead)),
            ("<=", Some(Role::Behind)),
            ("<*", Some(Role::Behind)),
            ("!", None),
            ("<!", None),
        ];
        let Some((_, role)) = kinds.into_iter().find(|(text, _)| self.cursor.eat(text)) else {
            return Ok(None);
        };
        let branches = self.body(at, false)?;
        let piece = self.close(branches);
        Ok(Some(match role {
            Some(role) => Piece { role, ..piece }.into(),
            None => self.dropped(piece.size),
        }))
    }

    /// Replaces something that only excludes lines.
    fn dropped(&mut self, size: usize) -> Item {
        self.loose = true;
        Piece {
            size,
            ..Piece::place(Hir::empty())
        }
        .into()
    }

    /// Groups with a name, and references by it in the manner of Python.
    fn named(&mut self, at: usize) -> Result<Option<Item>, Refusal> {
        let end = match () {
            () if self.cursor.eat("P<") || self.cursor.eat("<") => b'>',
            () if self.cursor.eat("'") => b'\'',
            () if self.cursor.eat("P=") || self.cursor.eat("P>") => {
                self.name(b')', at)?;
                return Ok(Some(self.unknown_text()));
            }
            () => return Ok(None),
        };
        self.name(end, at)?;
        self.groups += 1;
        self.plain(at).map(Some)
    }

    /// `(?(condition)yes|no)`.
    fn condition(&mut self, at: usize) -> Result<Item, Refusal> {
        let mut defines = false;
        if self.cursor.peek_at(1) == Some(b'?') {
            self.group()?;
        } else {
            self.cursor.at += 1;
            let text = self.cursor.until(b')').unwrap_or_default();
            if text.is_empty() || text.starts_with("VERSION") {
                return Err(Refusal::new(
                    at,
                    format!("the condition of the group at {at} is not supported in rules"),
                ));
            }
            defines = text == "DEFINE";
        }
        let mut branches = self.body(at, false)?;
        if defines {
            let piece = self.close(branches);
            return Ok(self.dropped(piece.size));
        }
        if branches.len() == 1 {
            branches.push(Vec::new());
        }
        self.loose = true;
        Ok(self.close(branches).into())
    }
}
