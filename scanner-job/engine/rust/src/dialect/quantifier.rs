//! `*`, `+`, `?` and `{n,m}`.

use super::Refusal;
use super::cursor::Cursor;

/// PCRE2's largest count.
const MAX_COUNT: u32 = 65_535;

#[derive(Clone, Copy)]
pub(super) struct Quantifier {
    pub min: u32,
    pub max: Option<u32>,
}

/// Read a quantifier if one comes next. A brace that is none is a literal.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Quantifier>, Refusal> {
    let (min, max) = match cursor.peek() {
        Some(b'*') => (0, None),
        Some(b'+') => (1, None),
        Some(b'?') => (0, Some(1)),
        Some(b'{') => return counts(cursor),
        _ => return Ok(None),
    };
    cursor.at += 1;
    Ok(Some(Quantifier { min, max }))
}

/// Why a quantifier at `at` that repeats nothing is refused.
pub(super) fn stray(at: usize) -> Refusal {
    Refusal::new(
        at,
        format!("the quantifier at {at} follows nothing that it can repeat"),
    )
}

fn counts(cursor: &mut Cursor<'_>) -> Result<Option<Quantifier>, Refusal> {
    let at = cursor.at;
    let rest = &cursor.rest()[1..];
    let length = rest
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b',' | b' ' | b'\t'))
        .count();
    if rest.get(length) != Some(&b'}') {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&rest[..length]);
    let (low, high) = match text.split_once(',') {
        Some((low, high)) => (low.trim(), Some(high.trim())),
        None => (text.trim(), None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(low)
        || !high.is_none_or(digits)
        || (low.is_empty() && high.is_none_or(str::is_empty))
    {
        return Ok(None);
    }
    if low.is_empty() || text.contains([' ', '\t']) {
        return Err(Refusal::new(
            at,
            format!(
                "{{{text}}} at {at} is read differently by versions of PCRE2: \
                 write {{0,n}} without spaces for a repetition, \\{{ for a brace"
            ),
        ));
    }
    let min = count(low, at)?;
    let max = match high {
        None => Some(min),
        Some("") => None,
        Some(high) => Some(count(high, at)?),
    };
    if max.is_some_and(|max| max < min) {
        return Err(Refusal::new(
            at,
            format!("the counts of {{{text}}} at {at} are out of order"),
        ));
    }
    cursor.at += length + 2;
    Ok(Some(Quantifier { min, max }))
}

fn count(digits: &str, at: usize) -> Result<u32, Refusal> {
    digits
        .parse()
        .ok()
        .filter(|count| *count <= MAX_COUNT)
        .ok_or_else(|| {
            Refusal::new(
                at,
                format!("the repetition at {at} has a count over {MAX_COUNT}"),
            )
        })
}
