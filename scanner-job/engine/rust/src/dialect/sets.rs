//! Sets of characters, or of bytes where a rule is not Unicode: there a code up to 255 is the byte.

use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind,
};

const HORIZONTAL: &str = r"[\t \x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]";
const VERTICAL: &str = r"[\n-\r\x{85}\x{2028}\x{2029}]";

#[derive(Clone, Debug)]
pub(super) struct Set(ClassUnicode);

impl Set {
    pub fn empty() -> Self {
        Self(ClassUnicode::empty())
    }

    /// The codes from `low` to `high`, which may be the same.
    pub fn range(low: u32, high: u32) -> Self {
        // Surrogates are no characters: a range that ends in them ends beside them.
        let low = char::from_u32(low).unwrap_or('\u{e000}');
        let high = char::from_u32(high).unwrap_or('\u{d7ff}');
        Self(ClassUnicode::new([ClassUnicodeRange::new(low, high)]))
    }

    /// What a class in the syntax of `regex-syntax` holds.
    pub fn of(syntax: &str, unicode: bool) -> Self {
        let mut set = match regex_syntax::parse(syntax).map(Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => Self(class),
            _ => Self::empty(),
        };
        set.bound(unicode);
        set
    }

    /// The set of `\d`, `\w`, `\s`, `\h`, `\v` and `\R`'s one byte, negated for a capital letter.
    pub fn named(letter: u8, unicode: bool) -> Option<Self> {
        let syntax = match (letter.to_ascii_lowercase(), unicode) {
            (b'd', false) => "[0-9]",
            (b'd', true) => r"\p{Nd}",
            (b'w', false) => "[0-9A-Za-z_]",
            (b'w', true) => r"[\p{L}\p{N}\p{Mn}\p{Pc}_]",
            (b's', false) => r"[\t-\r ]",
            (b's', true) => {
                return Some(
                    Self::of(r"\p{Z}", true)
                        .with(&Self::of(HORIZONTAL, true))
                        .with(&Self::of(VERTICAL, true)),
                )
                .map(|set| {
                    if letter == b'S' {
                        set.negated(true)
                    } else {
                        set
                    }
                });
            }
            (b'h', _) => HORIZONTAL,
            (b'v', _) => VERTICAL,
            _ => return None,
        };
        let set = Self::of(syntax, unicode);
        Some(if letter.is_ascii_uppercase() {
            set.negated(unicode)
        } else {
            set
        })
    }

    /// The set of `[:name:]`, or `None` where only PCRE2 knows it or nobody does.
    pub fn posix(name: &str, unicode: bool) -> Option<Self> {
        let syntax = match (name, unicode) {
            ("alpha", true) => r"\p{L}",
            ("lower", true) => r"\p{Ll}",
            ("upper", true) => r"\p{Lu}",
            ("alnum", true) => r"[\p{L}\p{N}]",
            ("cntrl", true) => r"\p{Cc}",
            ("digit", true) => r"\p{Nd}",
            ("space", true) => return Self::named(b's', true),
            ("word", true) => return Self::named(b'w', true),
            ("blank", true) => HORIZONTAL,
            ("print" | "graph" | "punct" | "xdigit", true) => return None,
            ("ascii", true) => r"[\x00-\x7f]",
            _ => return Self::posix_ascii(name),
        };
        Some(Self::of(syntax, unicode))
    }

    fn posix_ascii(name: &str) -> Option<Self> {
        let known = [
            "alpha", "lower", "upper", "alnum", "ascii", "blank", "cntrl", "digit", "graph",
            "print", "punct", "space", "word", "xdigit",
        ];
        known
            .contains(&name)
            .then(|| Self::of(&format!("[[:{name}:]]"), false))
    }

    /// How many ranges of codes it has.
    pub fn ranges(&self) -> usize {
        self.0.ranges().len()
    }

    pub fn with(mut self, other: &Self) -> Self {
        self.0.union(&other.0);
        self
    }

    pub fn add(&mut self, other: &Self) {
        self.0.union(&other.0);
    }

    pub fn negated(mut self, unicode: bool) -> Self {
        self.0.negate();
        self.bound(unicode);
        self
    }

    /// With the other case of each letter: of ASCII letters only where a rule is not Unicode.
    pub fn folded(mut self, unicode: bool) -> Self {
        if unicode {
            self.0.case_fold_simple();
            return self;
        }
        let mut bytes = self.bytes();
        bytes.case_fold_simple();
        Self(ClassUnicode::new(bytes.iter().map(|range| {
            ClassUnicodeRange::new(range.start().into(), range.end().into())
        })))
    }

    /// An expression of this set without the newline, which no line has. `None` if nothing is left.
    pub fn hir(mut self, unicode: bool) -> Option<Hir> {
        self.0
            .difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
        if self.0.ranges().is_empty() {
            return None;
        }
        let class = if unicode {
            Class::Unicode(self.0)
        } else {
            Class::Bytes(self.bytes())
        };
        Some(Hir::class(class))
    }

    fn bytes(&self) -> ClassBytes {
        let byte = |character: char| u8::try_from(u32::from(character)).unwrap_or(u8::MAX);
        ClassBytes::new(
            self.0
                .iter()
                .map(|range| ClassBytesRange::new(byte(range.start()), byte(range.end()))),
        )
    }

    /// Bytes end at 255.
    fn bound(&mut self, unicode: bool) {
        if !unicode {
            self.0
                .intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\u{ff}')]));
        }
    }
}
