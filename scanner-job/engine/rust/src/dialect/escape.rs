//! What follows a backslash and means the same within a class and outside of one.

use super::cursor::Cursor;
use super::sets::Set;
use super::{Options, Refusal, property};

pub(super) enum Escaped {
    /// One character or byte.
    Code(u32),
    Set(Set),
    /// A set that only PCRE2 knows.
    Unknown,
    /// A letter whose meaning depends on where it stands.
    Letter(u8),
}

pub(super) struct Context {
    pub options: Options,
    pub caseless: bool,
    pub in_class: bool,
    /// Groups that began before this place: `\11` is the eleventh of them, or else a tab.
    pub groups: usize,
}

/// Read the escape whose backslash is at `start`; the cursor is behind the backslash.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    start: usize,
    context: &Context,
) -> Result<Escaped, Refusal> {
    let unicode = context.options.unicode;
    let Some(letter) = cursor.peek() else {
        return Err(Refusal::new(
            start,
            format!("the backslash at {start} is followed by nothing it can escape"),
        ));
    };
    if !letter.is_ascii_alphanumeric() {
        return Ok(Escaped::Code(cursor.code(unicode).unwrap_or_default()));
    }
    if letter.is_ascii_digit() {
        return number(cursor, start, context);
    }
    cursor.at += 1;
    if let Some(set) = Set::named(letter, unicode) {
        return Ok(Escaped::Set(set));
    }
    Ok(Escaped::Code(match letter {
        b'a' => 0x07,
        b'e' => 0x1b,
        b'f' => 0x0c,
        b'n' => 0x0a,
        b'r' => 0x0d,
        b't' => 0x09,
        b'c' => control(cursor, start)?,
        b'x' => hexadecimal(cursor, start, unicode)?,
        b'o' => braced(cursor, start, 8, unicode)?,
        b'p' | b'P' => {
            return Ok(property::read(cursor, start, unicode, context.caseless)?
                .map_or(Escaped::Unknown, Escaped::Set));
        }
        _ => return Ok(Escaped::Letter(letter)),
    }))
}

/// `\0` and octal codes; the digit alone is the letter of a backreference.
fn number(cursor: &mut Cursor<'_>, start: usize, context: &Context) -> Result<Escaped, Refusal> {
    let digits: String = cursor
        .rest()
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .map(|b| char::from(*b))
        .collect();
    let first = digits.as_bytes()[0];
    let reference = digits.parse().unwrap_or(usize::MAX);
    if !context.in_class
        && first != b'0'
        && (reference < 10 || first >= b'8' || reference <= context.groups)
    {
        return Ok(Escaped::Letter(first));
    }
    if first >= b'8' {
        cursor.at += 1;
        return Ok(Escaped::Code(first.into()));
    }
    let octal = cursor.take_while(3, |byte| matches!(byte, b'0'..=b'7'));
    code(
        u32::from_str_radix(octal, 8).ok(),
        start,
        context.options.unicode,
    )
    .map(Escaped::Code)
}

fn control(cursor: &mut Cursor<'_>, start: usize) -> Result<u32, Refusal> {
    match cursor.next() {
        Some(byte @ b' '..=b'~') => Ok(u32::from(byte.to_ascii_uppercase() ^ 0x40)),
        _ => Err(Refusal::new(
            start,
            format!(r"\c at {start} is not followed by a printable ASCII character"),
        )),
    }
}

fn hexadecimal(cursor: &mut Cursor<'_>, start: usize, unicode: bool) -> Result<u32, Refusal> {
    if cursor.peek() == Some(b'{') {
        return braced(cursor, start, 16, unicode);
    }
    let digits = cursor.take_while(2, |byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).map_err(|_| {
        Refusal::new(
            start,
            format!(r"\x at {start} has no digits: write \x00 for the byte 0"),
        )
    })
}

fn braced(
    cursor: &mut Cursor<'_>,
    start: usize,
    radix: u32,
    unicode: bool,
) -> Result<u32, Refusal> {
    let digits = if cursor.eat("{") {
        cursor.until(b'}')
    } else {
        None
    };
    let Some(digits) =
        digits.filter(|text| !text.is_empty() && text.chars().all(|c| c.is_digit(radix)))
    else {
        let kind = if radix == 8 { "octal" } else { "hexadecimal" };
        return Err(Refusal::new(
            start,
            format!("the code at {start} is not {kind} digits in braces"),
        ));
    };
    code(u32::from_str_radix(digits, radix).ok(), start, unicode)
}

fn code(value: Option<u32>, start: usize, unicode: bool) -> Result<u32, Refusal> {
    match value {
        Some(value) if unicode && char::from_u32(value).is_some() => Ok(value),
        Some(value) if !unicode && value <= 0xff => Ok(value),
        _ if unicode => Err(Refusal::new(
            start,
            format!("the code at {start} is no Unicode character"),
        )),
        _ => Err(Refusal::new(
            start,
            format!("the code at {start} is beyond one byte"),
        )),
    }
}
