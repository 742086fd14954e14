//! Numbers of JSON compared by their decimal digits: exactly, also beyond what a `f64` can tell apart.

use std::cmp::Ordering;

/// Larger exponents are taken for this one. No number of a rule has one that is near.
const MOST_EXPONENT: i64 = 1 << 40;

/// A number: `digits` behind a decimal point, times a power of ten. Equal numbers have equal fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    negative: bool,
    /// Without zeros at either end; none for zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Returns a number of which a text consists.
    pub(super) fn of(text: &[u8]) -> Option<Decimal> {
        let mut decimal = Decimal::default();
        decimal.read(text).then_some(decimal)
    }

    /// Becomes the number of which a text consists; returns whether it is one.
    pub(super) fn read(&mut self, text: &[u8]) -> bool {
        if number_length(text) != Some(text.len()) {
            return false;
        }
        let unsigned = text.strip_prefix(b"-").unwrap_or(text);
        let e = unsigned.iter().position(|byte| b"eE".contains(byte));
        let (mantissa, exponent) = unsigned.split_at(e.unwrap_or(unsigned.len()));
        self.digits.clear();
        let whole = mantissa.iter().position(|byte| *byte == b'.');
        self.exponent = whole.unwrap_or(mantissa.len()) as i64;
        for digit in mantissa.iter().filter(|byte| **byte != b'.') {
            if self.digits.is_empty() && *digit == b'0' {
                self.exponent -= 1;
            } else {
                self.digits.push(*digit);
            }
        }
        let zeros = self.digits.iter().rev().take_while(|digit| **digit == b'0');
        self.digits.truncate(self.digits.len() - zeros.count());
        self.exponent += exponent_of(exponent.get(1..).unwrap_or_default());
        self.negative = text.len() > unsigned.len() && !self.digits.is_empty();
        if self.digits.is_empty() {
            self.exponent = 0;
        }
        true
    }

    /// Returns about how many digits the number has before or behind its decimal point.
    pub(super) fn magnitude(&self) -> u64 {
        self.exponent.unsigned_abs()
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |decimal: &Self| decimal.exponent;
        let sizes = size(self).cmp(&size(other));
        let without_signs = sizes.then_with(|| self.digits.cmp(&other.digits));
        self.sign().cmp(&other.sign()).then(if self.negative {
            without_signs.reverse()
        } else {
            without_signs
        })
    }
}

/// Returns the length of the JSON number that a text begins with.
pub(super) fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let start = usize::from(text.first() == Some(&b'-'));
    let mut at = match text.get(start)? {
        b'0' => start + 1,
        b'1'..=b'9' => start + digits(start),
        _ => return None,
    };
    if text.get(at) == Some(&b'.') {
        at += 1 + at_least_one(digits(at + 1))?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at += 1 + sign + at_least_one(digits(at + 1 + sign))?;
    }
    Some(at)
}

fn at_least_one(digits: usize) -> Option<usize> {
    (digits > 0).then_some(digits)
}

fn exponent_of(text: &[u8]) -> i64 {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let size = digits.fold(0, |size: i64, digit| {
        (10 * size + i64::from(digit - b'0')).min(MOST_EXPONENT)
    });
    if text.first() == Some(&b'-') {
        -size
    } else {
        size
    }
}

#[cfg(test)]
mod tests {
    use super::{Decimal, number_length};

    fn decimal(text: &str) -> Decimal {
        Decimal::of(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn equal_numbers_are_equal_however_they_are_written() {
        for same in [
            &["500", "500.0", "5e2", "5E+2", "0.5e3", "50000e-2"][..],
            &["0", "-0", "0.000", "0e99", "-0.0E-7"],
            &["-1.5", "-15e-1", "-0.015e2"],
            &["1e99999999999999999999", "1e99999999999999999998"],
        ] {
            for text in same {
                assert_eq!(decimal(text), decimal(same[0]), "{text}");
            }
        }
    }

    #[test]
    fn numbers_have_an_order() {
        let ascending = [
            "-1e9",
            "-12.5",
            "-12",
            "-0.01",
            "0",
            "1e-400",
            "0.09",
            "0.1",
            "9.99",
            "10",
            "12345678901234567890",
            "12345678901234567890.5",
            "12345678901234567891",
            "1e400",
        ];
        for (place, text) in ascending.iter().enumerate() {
            for (other_place, other) in ascending.iter().enumerate() {
                let order = decimal(text).cmp(&decimal(other));
                assert_eq!(order, place.cmp(&other_place), "{text} {other}");
            }
        }
    }

    #[test]
    fn what_is_no_number_of_json_is_none() {
        for text in [
            "", "-", "01", ".5", "5.", "+1", "1e", "1e+", "0x1", "1_0", " 1", "1 ", "NaN", "１",
        ] {
            assert_eq!(Decimal::of(text.as_bytes()), None, "{text}");
        }
        assert_eq!(number_length(b"-0.5e7,"), Some(6));
    }
}
