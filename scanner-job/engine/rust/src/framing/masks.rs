//! Where the bytes that structure JSON are among 64.

/// Bytes that are looked at together.
pub(super) const STEP: usize = 64;

/// A bit for each of 64 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    pub quotes: u64,
    pub backslashes: u64,
    /// `{` and `[`
    pub opens: u64,
    /// `}` and `]`
    pub closes: u64,
    pub newlines: u64,
}

#[cfg(target_arch = "x86_64")]
pub(super) fn masks(bytes: &[u8; STEP]) -> Masks {
    // SAFETY: every processor of this architecture has SSE2.
    unsafe { by_sse2(bytes) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn by_sse2(bytes: &[u8; STEP]) -> Masks {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };
    let mut masks = Masks::default();
    for (quarter, part) in bytes.chunks_exact(16).enumerate() {
        // SAFETY: a part has 16 bytes.
        let part = unsafe { _mm_loadu_si128(part.as_ptr().cast::<__m128i>()) };
        let folded = _mm_or_si128(part, _mm_set1_epi8(0x20));
        let of = |part, byte: u8| {
            let equal = _mm_cmpeq_epi8(part, _mm_set1_epi8(byte.cast_signed()));
            u64::from(_mm_movemask_epi8(equal).cast_unsigned()) << (quarter * 16)
        };
        masks.quotes |= of(part, b'"');
        masks.backslashes |= of(part, b'\\');
        masks.opens |= of(folded, b'{');
        masks.closes |= of(folded, b'}');
        masks.newlines |= of(part, b'\n');
    }
    masks
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn masks(bytes: &[u8; STEP]) -> Masks {
    portable(bytes)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(bytes: &[u8; STEP]) -> Masks {
    let of = |wanted: fn(u8) -> bool| {
        let bits = bytes.iter().enumerate();
        bits.fold(0, |mask, (n, byte)| mask | u64::from(wanted(*byte)) << n)
    };
    Masks {
        quotes: of(|byte| byte == b'"'),
        backslashes: of(|byte| byte == b'\\'),
        opens: of(|byte| byte | 0x20 == b'{'),
        closes: of(|byte| byte | 0x20 == b'}'),
        newlines: of(|byte| byte == b'\n'),
    }
}

#[cfg(test)]
mod tests {
    use super::{STEP, masks, portable};
    use crate::testing::Random;

    #[test]
    fn the_processor_s_instructions_find_what_a_loop_finds() {
        let mut random = Random::new(1);
        for _ in 0..2000 {
            let mut bytes = [0; STEP];
            bytes.fill_with(|| random.pick(b"\"\\{}[]\n;=\x5b\x7b\x02\xfb\xdb a0"));
            assert_eq!(masks(&bytes), portable(&bytes));
        }
    }
}
