//! The search without vector instructions: for other processors, and for the last bytes of a block everywhere.

use super::{Tables as Nibbles, WINDOW};

/// The buckets (64 at most, 8 bits for each group) of each byte, by place in the window.
pub(super) struct Tables(Box<[[u64; 256]; WINDOW]>);

impl Tables {
    /// Returns what finds exactly the candidates that the vector instructions find.
    pub(super) fn of(groups: &[Nibbles]) -> Self {
        let mut tables = Box::new([[0; 256]; WINDOW]);
        for (group, nibbles) in groups.iter().enumerate() {
            for (place, table) in tables.iter_mut().enumerate() {
                let [low, high] = &nibbles.0[place];
                for (byte, buckets) in table.iter_mut().enumerate() {
                    *buckets |= u64::from(low[byte & 15] & high[byte >> 4]) << (8 * group);
                }
            }
        }
        Tables(tables)
    }

    /// Calls `found` for each candidate from `from` on.
    #[inline]
    pub(super) fn find(&self, data: &[u8], from: usize, found: &mut impl FnMut(usize, u32)) {
        let whole = data.len().saturating_sub(WINDOW - 1).max(from);
        for (distance, window) in data[from..].windows(WINDOW).enumerate() {
            self.check(
                [window[0], window[1], window[2], window[3]],
                from + distance,
                found,
            );
        }
        for place in whole..data.len() {
            let mut window = [0; WINDOW];
            window[..data.len() - place].copy_from_slice(&data[place..]);
            self.check(window, place, found);
        }
    }

    #[inline(always)]
    fn check(&self, window: [u8; WINDOW], place: usize, found: &mut impl FnMut(usize, u32)) {
        let buckets =
            (0..WINDOW).fold(u64::MAX, |left, n| left & self.0[n][usize::from(window[n])]);
        if buckets != 0 {
            found(place, u32::from_le_bytes(window));
        }
    }
}
