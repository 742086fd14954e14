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

/// # Safety
/// The processor has AVX2. Callers enable it, so that the instructions become part of them.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn by_avx2(bytes: &[u8; STEP]) -> Masks {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8,
    };

    #[inline(always)]
    unsafe fn of(parts: [__m256i; 2], byte: u8) -> u64 {
        // SAFETY: as above.
        unsafe {
            let wanted = _mm256_set1_epi8(byte.cast_signed());
            let first = _mm256_movemask_epi8(_mm256_cmpeq_epi8(parts[0], wanted)).cast_unsigned();
            let second = _mm256_movemask_epi8(_mm256_cmpeq_epi8(parts[1], wanted)).cast_unsigned();
            u64::from(first) | u64::from(second) << 32
        }
    }

    // SAFETY: as above, and there are 64 bytes.
    unsafe {
        let start = bytes.as_ptr().cast::<__m256i>();
        let parts = [_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))];
        let fold = _mm256_set1_epi8(0x20);
        let folded = [
            _mm256_or_si256(parts[0], fold),
            _mm256_or_si256(parts[1], fold),
        ];
        Masks {
            quotes: of(parts, b'"'),
            backslashes: of(parts, b'\\'),
            opens: of(folded, b'{'),
            closes: of(folded, b'}'),
            newlines: of(parts, b'\n'),
        }
    }
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
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                assert_eq!(unsafe { super::by_avx2(&bytes) }, portable(&bytes));
            }
        }
    }
}
