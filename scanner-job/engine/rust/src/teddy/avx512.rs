//! The search by AVX-512, 64 places at a time: the same steps as by AVX2, with two instructions less for each table.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_load_si128, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_or_si512, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_srli_epi16, _mm512_ternarylogic_epi64, _mm512_test_epi8_mask,
};

use super::{Tables, WINDOW};

const STEP: usize = 64;
/// The truth table of `a & b & c`, for `_mm512_ternarylogic_epi64`.
const ALL: i32 = 0x80;

/// Calls `found` for each candidate but the last places, where less than a step is left, and returns the place it got to.
#[inline]
pub(super) fn find(groups: &[Tables], data: &[u8], found: &mut impl FnMut(usize, u32)) -> usize {
    // SAFETY: `Instructions::available` gives AVX-512 only where the processor has it.
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
/// The processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn steps<const GROUPS: usize>(
    groups: &[Tables],
    data: &[u8],
    found: &mut impl FnMut(usize, u32),
) -> usize {
    let zero = _mm512_setzero_si512();
    let nibble = _mm512_set1_epi8(15);
    let tables = load::<GROUPS>(groups);
    let mut at = 0;
    while at + STEP + WINDOW <= data.len() {
        let mut left = [zero; GROUPS];
        for place in 0..WINDOW {
            // SAFETY: at + place + 64 <= at + STEP + WINDOW <= data.len().
            let bytes =
                unsafe { _mm512_loadu_si512(data.as_ptr().add(at + place).cast::<__m512i>()) };
            let low = _mm512_and_si512(bytes, nibble);
            let high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), nibble);
            for (left, table) in left.iter_mut().zip(&tables) {
                let [by_low, by_high] = table[place];
                let by_low = _mm512_shuffle_epi8(by_low, low);
                let by_high = _mm512_shuffle_epi8(by_high, high);
                *left = if place == 0 {
                    _mm512_and_si512(by_low, by_high)
                } else {
                    _mm512_ternarylogic_epi64::<ALL>(*left, by_low, by_high)
                };
            }
        }
        let any = left
            .into_iter()
            .fold(zero, |any, left| _mm512_or_si512(any, left));
        let mut places = _mm512_test_epi8_mask(any, any);
        while places != 0 {
            let place = at + places.trailing_zeros() as usize;
            // SAFETY: place + 4 <= at + 63 + WINDOW < data.len().
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
#[target_feature(enable = "avx512f,avx512bw")]
fn load<const GROUPS: usize>(groups: &[Tables]) -> [[[__m512i; 2]; WINDOW]; GROUPS] {
    let mut tables = [[[_mm512_setzero_si512(); 2]; WINDOW]; GROUPS];
    for (table, group) in tables.iter_mut().zip(groups) {
        for (table, nibbles) in table.iter_mut().flatten().zip(group.0.iter().flatten()) {
            // SAFETY: the 16 bytes are one array, and `Tables` is aligned to 16 and so are its parts.
            let half = unsafe { _mm_load_si128(nibbles.as_ptr().cast::<__m128i>()) };
            *table = _mm512_broadcast_i32x4(half);
        }
    }
    tables
}
