//! Where a JSON value ends, in whatever pieces it comes.

use super::masks::{self, Masks, STEP};

/// How far into a value its pieces have led so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nesting {
    /// Braces and brackets that are open.
    pub depth: u32,
    pub in_string: bool,
    /// Whether the next byte stands behind a backslash in a string.
    pub escaped: bool,
    /// Whether there were newlines between the value's parts.
    pub spread: bool,
}

/// What a piece leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// All of the piece belongs to the value.
    Within,
    /// The value ends before this place.
    End(usize),
    /// There is a newline in a string, at this place: this is not JSON.
    Broken(usize),
}

/// How masks are made.
trait Instructions {
    fn masks(bytes: &[u8; STEP]) -> Masks;
}

struct Any;

impl Instructions for Any {
    #[inline(always)]
    fn masks(bytes: &[u8; STEP]) -> Masks {
        masks::masks(bytes)
    }
}

/// Only where the processor has AVX2.
#[cfg(target_arch = "x86_64")]
struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Instructions for Avx2 {
    #[inline(always)]
    fn masks(bytes: &[u8; STEP]) -> Masks {
        // SAFETY: see above.
        unsafe { masks::by_avx2(bytes) }
    }
}

impl Nesting {
    /// Goes on with the next piece of a value that begins with a brace or a bracket.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn walk(&mut self, piece: &[u8]) -> Reached {
        #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
        fn by_avx2(nesting: &mut Nesting, piece: &[u8]) -> Reached {
            nesting.walk_by::<Avx2>(piece)
        }
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt")
        {
            // SAFETY: the processor has these.
            return unsafe { by_avx2(self, piece) };
        }
        self.walk_by::<Any>(piece)
    }

    /// Goes on with the next piece of a value that begins with a brace or a bracket.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn walk(&mut self, piece: &[u8]) -> Reached {
        self.walk_by::<Any>(piece)
    }

    #[inline(always)]
    fn walk_by<I: Instructions>(&mut self, piece: &[u8]) -> Reached {
        let mut at = 0;
        while at < piece.len() {
            let reached = match piece[at..].first_chunk::<STEP>() {
                Some(step) => self.step(I::masks(step), STEP),
                None => {
                    let mut step = [b' '; STEP];
                    let rest = &piece[at..];
                    step[..rest.len()].copy_from_slice(rest);
                    self.step(I::masks(&step), rest.len())
                }
            };
            match reached {
                Reached::Within => at += STEP,
                Reached::End(end) => return Reached::End(at + end),
                Reached::Broken(place) => return Reached::Broken(at + place),
            }
        }
        Reached::Within
    }

    /// Goes on with 64 bytes, of which the first `length` are of the value and the others blanks.
    #[inline(always)]
    fn step(&mut self, found: Masks, length: usize) -> Reached {
        let escaped = self.behind_backslashes(found.backslashes, length);
        let inside = self.strings(found.quotes & !escaped);
        let (mut opens, mut closes) = (found.opens & !inside, found.closes & !inside);
        let broken = (found.newlines & inside).trailing_zeros();
        let reached = if broken < u64::BITS || self.depth <= closes.count_ones() {
            let mut reached = Reached::Within;
            let mut brackets = opens | closes;
            while brackets != 0 {
                let place = brackets.trailing_zeros();
                if place > broken {
                    break;
                }
                brackets &= brackets - 1;
                if opens >> place & 1 == 1 {
                    self.depth += 1;
                } else {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        reached = Reached::End(place as usize + 1);
                        break;
                    }
                }
            }
            if reached == Reached::Within && broken < u64::BITS {
                reached = Reached::Broken(broken as usize);
            }
            (opens, closes) = (0, 0);
            reached
        } else {
            Reached::Within
        };
        self.depth = self.depth + opens.count_ones() - closes.count_ones();
        let before = match reached {
            Reached::End(place) | Reached::Broken(place) if place < STEP => (1 << place) - 1,
            _ => u64::MAX,
        };
        self.spread |= found.newlines & !inside & before != 0;
        reached
    }

    /// Returns which bytes stand behind an odd number of backslashes.
    #[inline(always)]
    fn behind_backslashes(&mut self, backslashes: u64, length: usize) -> u64 {
        let mut escaped = u64::from(self.escaped);
        let mut rest = backslashes & !escaped;
        self.escaped = false;
        while rest != 0 {
            let place = rest.trailing_zeros();
            if place as usize + 1 == length {
                self.escaped = true;
                break;
            }
            escaped |= 2 << place;
            rest &= !(3 << place);
        }
        escaped
    }

    /// Returns which bytes are in strings, given those quotes that are not escaped. A string's first quote is in it.
    #[inline(always)]
    fn strings(&mut self, quotes: u64) -> u64 {
        let mut inside = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        if self.in_string {
            inside = !inside;
        }
        self.in_string = inside >> (STEP - 1) == 1;
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::{Nesting, Reached};

    #[test]
    fn a_value_ends_at_its_own_bracket_whatever_the_pieces() {
        let long = "x".repeat(200);
        for value in [
            "{}".to_owned(),
            r#"{"a":"}\"]\\","b":[{"c":{}},"\\\\\""]}"#.to_owned(),
            format!(r#"[{{"{long}":"{long}\\"}},[[[["{long}}}]"]]]]]"#),
            format!(r#"{{"a":"{}"}}"#, r"\\".repeat(100)),
        ] {
            let text = format!("{value}}}]\"{{");
            for size in 1..text.len() {
                let mut nesting = Nesting::default();
                let mut end = 0;
                for piece in text.as_bytes().chunks(size) {
                    match nesting.walk(piece) {
                        Reached::Within => end += piece.len(),
                        Reached::End(more) => {
                            end += more;
                            break;
                        }
                        Reached::Broken(place) => panic!("broken at {place}"),
                    }
                }
                assert_eq!(&text[..end], value, "pieces of {size}");
                assert!(!nesting.spread);
            }
        }
    }

    #[test]
    fn a_newline_spreads_a_value_and_breaks_a_string() {
        let mut nesting = Nesting::default();
        assert_eq!(nesting.walk(b"{\n\"a\": 1}\n"), Reached::End(9));
        assert!(nesting.spread);
        let mut nesting = Nesting::default();
        assert_eq!(nesting.walk(b"{\"a\": \"b\n\"}"), Reached::Broken(8));
    }
}
