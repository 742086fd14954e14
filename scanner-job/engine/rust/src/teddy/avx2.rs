//! The search by AVX2, 32 places at a time.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_load_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
};

use super::{Tables, WINDOW};

const STEP: usize = 32;

/// Calls `found` for each candidate but the last places, where less than a step is left, and returns the place it got to.
#[inline]
pub(super) fn find(groups: &[Tables], data: &[u8], found: &mut impl FnMut(usize, u32)) -> usize {
    // SAFETY: `Instructions::available` gives AVX2 only where the processor has it.
    unsafe {
        match groups.len() {
            1 => steps::<1>(groups, data, found),
            2 => steps::<2>(groups, data, found),
            3 => steps::<3>(groups, data, found),
            4 => steps::<4>(groups, data, found),
            5 => steps::<5>(groups, data, found),
            6 => steps::<6>(groups, data, found),
            7 => steps::<7>(groups, data, found),
            _ => steps::<8>(groups, data, found),
        }
    }
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn steps<const GROUPS: usize>(
    groups: &[Tables],
    data: &[u8],
    found: &mut impl FnMut(usize, u32),
) -> usize {
    let zero = _mm256_setzero_si256();
    let nibble = _mm256_set1_epi8(15);
    let tables = load::<GROUPS>(groups);
    let mut at = 0;
    while at + STEP + WINDOW <= data.len() {
        let mut left = [zero; GROUPS];
        for place in 0..WINDOW {
            // SAFETY: at + place + 32 <= at + STEP + WINDOW <= data.len().
            let bytes =
                unsafe { _mm256_loadu_si256(data.as_ptr().add(at + place).cast::<__m256i>()) };
            let low = _mm256_and_si256(bytes, nibble);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
            for (left, table) in left.iter_mut().zip(&tables) {
                let [by_low, by_high] = table[place];
                let both = _mm256_and_si256(
                    _mm256_shuffle_epi8(by_low, low),
                    _mm256_shuffle_epi8(by_high, high),
                );
                *left = if place == 0 {
                    both
                } else {
                    _mm256_and_si256(*left, both)
                };
            }
        }
        let any = left
            .into_iter()
            .fold(zero, |any, left| _mm256_or_si256(any, left));
        let mut places = !(_mm256_movemask_epi8(_mm256_cmpeq_epi8(any, zero)) as u32);
        while places != 0 {
            let place = at + places.trailing_zeros() as usize;
            // SAFETY: place + 4 <= at + 31 + WINDOW < data.len().
            let window = unsafe { data.as_ptr().add(place).cast::<u32>().read_unaligned() };
            found(place, window);
            places &= places - 1;
        }
        at += STEP;
    }
    at
}

/// Returns the tables in registers, each repeated over the whole width.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const GROUPS: usize>(groups: &[Tables]) -> [[[__m256i; 2]; WINDOW]; GROUPS] {
    let mut tables = [[[_mm256_setzero_si256(); 2]; WINDOW]; GROUPS];
    for (table, group) in tables.iter_mut().zip(groups) {
        for (table, nibbles) in table.iter_mut().flatten().zip(group.0.iter().flatten()) {
            // SAFETY: the 16 bytes are one array, and `Tables` is aligned to 16 and so are its parts.
            let half = unsafe { _mm_load_si128(nibbles.as_ptr().cast::<__m128i>()) };
            *table = _mm256_broadcastsi128_si256(half);
        }
    }
    tables
}
