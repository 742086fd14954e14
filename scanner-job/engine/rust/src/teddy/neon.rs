//! The search by NEON, 16 places at a time.

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vdupq_n_u8, vget_lane_u64, vld1q_u8, vorrq_u8, vqtbl1q_u8,
    vreinterpret_u64_u8, vreinterpretq_u16_u8, vshrn_n_u16, vshrq_n_u8, vtstq_u8,
};

use super::{Tables, WINDOW};

const STEP: usize = 16;

/// Calls `found` for each candidate but the last places, where less than a step is left, and returns the place it got to.
#[inline]
pub(super) fn find(groups: &[Tables], data: &[u8], found: &mut impl FnMut(usize, u32)) -> usize {
    // SAFETY: `Instructions::available` gives NEON only where the processor has it.
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
/// The processor has NEON.
#[target_feature(enable = "neon")]
unsafe fn steps<const GROUPS: usize>(
    groups: &[Tables],
    data: &[u8],
    found: &mut impl FnMut(usize, u32),
) -> usize {
    let zero = vdupq_n_u8(0);
    let nibble = vdupq_n_u8(15);
    let mut tables = [[[zero; 2]; WINDOW]; GROUPS];
    for (table, group) in tables.iter_mut().zip(groups) {
        for (table, nibbles) in table.iter_mut().flatten().zip(group.0.iter().flatten()) {
            // SAFETY: the 16 bytes are one array.
            *table = unsafe { vld1q_u8(nibbles.as_ptr()) };
        }
    }
    let mut at = 0;
    while at + STEP + WINDOW <= data.len() {
        let mut left = [zero; GROUPS];
        for place in 0..WINDOW {
            // SAFETY: at + place + 16 <= at + STEP + WINDOW <= data.len().
            let bytes = unsafe { vld1q_u8(data.as_ptr().add(at + place)) };
            let low = vandq_u8(bytes, nibble);
            let high = vshrq_n_u8::<4>(bytes);
            for (left, table) in left.iter_mut().zip(&tables) {
                let [by_low, by_high] = table[place];
                let both = vandq_u8(vqtbl1q_u8(by_low, low), vqtbl1q_u8(by_high, high));
                *left = if place == 0 {
                    both
                } else {
                    vandq_u8(*left, both)
                };
            }
        }
        let any = left.into_iter().fold(zero, |any, left| vorrq_u8(any, left));
        let mut places = nibble_mask(any);
        while places != 0 {
            let place = at + (places.trailing_zeros() / 4) as usize;
            // SAFETY: place + 4 <= at + 15 + WINDOW < data.len().
            let window = unsafe { data.as_ptr().add(place).cast::<u32>().read_unaligned() };
            found(place, u32::from_le(window));
            places &= !(0xF << (places.trailing_zeros() & !3));
        }
        at += STEP;
    }
    at
}

/// Returns four bits for each byte, all set where the byte is not 0. NEON has no movemask; this narrowing shift is the
/// shortest way to one.
#[inline]
#[target_feature(enable = "neon")]
fn nibble_mask(bytes: uint8x16_t) -> u64 {
    let set = vreinterpretq_u16_u8(vtstq_u8(bytes, bytes));
    vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(set)))
}
