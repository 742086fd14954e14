//! Finds every place in a block where one of many short fingerprints may begin.
//!
//! This is Teddy, the algorithm of Hyperscan's literal matcher, with three differences that suit a set of rules. Letters
//! in either case and digits cost nothing, since a fingerprint has masks. There are up to 64 buckets, as hundreds of
//! fingerprints in eight would make every other byte a candidate. And every place is reported, not the leftmost or
//! longest match: literals that overlap or hold each other, of one rule or of several, then need no care.
//!
//! For each of the four bytes of a window, two tables of 16 entries (by low and by high nibble) say which buckets have a
//! fingerprint with such a byte there; a place is a candidate if some bucket is left in the intersection of all eight.
//! The tables are so small that a vector instruction looks up 16, 32 or 64 bytes at once. No match is missed: a candidate
//! may be wrong, and the caller compares the literal itself.
//!
//! Sources: Wang et al., "Hyperscan: A Fast Multi-pattern Regex Matcher for Modern CPUs" (NSDI 2019), section 4; the
//! description in the `packed::teddy` module of the aho-corasick crate.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod buckets;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod tests;

use buckets::Bucket;

/// Bytes of a fingerprint.
pub(crate) const WINDOW: usize = 4;
/// Buckets that fit into a byte of the tables.
const BUCKETS: usize = 8;
/// The most groups of buckets.
pub(crate) const MOST_GROUPS: usize = 8;

/// Up to four bytes, each with a mask; a mask of 0 matches any byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint {
    pub bytes: [u8; WINDOW],
    pub masks: [u8; WINDOW],
}

/// Which buckets have a byte, by place in the window, by low and high nibble.
#[derive(Clone)]
#[repr(align(16))]
struct Tables([[[u8; 16]; 2]; WINDOW]);

/// The instructions that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// 64 bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 32 bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 16 bytes at a time.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// One byte at a time, on any processor.
    Portable,
}

impl Instructions {
    /// Returns those that this processor has, the fastest first.
    pub(crate) fn available() -> Vec<Instructions> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
            found.push(Instructions::Avx512);
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            found.push(Instructions::Avx2);
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            found.push(Instructions::Neon);
        }
        found.push(Instructions::Portable);
        found
    }

    /// Returns how many groups are worth a try, and what each costs for 32 places, in cycles. With 32 registers of 64
    /// bytes a group costs half as much as with 16 of 32 bytes, where more than six take longer than what they save.
    pub(crate) fn groups(self) -> (usize, f32) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => (MOST_GROUPS, 4.0),
            _ => (6, 7.0),
        }
    }
}

/// The searcher. It keeps no state: threads share it.
pub(crate) struct Teddy {
    groups: Vec<Tables>,
    portable: portable::Tables,
    instructions: Instructions,
}

impl Teddy {
    /// Returns a searcher for each of `choices`, numbers of groups of buckets in descending order.
    ///
    /// More groups are more work for each byte and fewer candidates; which is faster is for the caller to measure.
    /// `frequency` is the share of each byte in the log: fingerprints are put together so that they get few candidates.
    pub(crate) fn choices(
        fingerprints: &[Fingerprint],
        choices: &[usize],
        frequency: &[f32; 256],
        instructions: Instructions,
    ) -> Vec<Teddy> {
        buckets::distribute(
            fingerprints,
            choices.iter().map(|groups| groups * BUCKETS),
            frequency,
        )
        .iter()
        .zip(choices)
        .map(|(buckets, &groups)| Teddy::of(buckets, groups, instructions))
        .collect()
    }

    fn of(buckets: &[Bucket], groups: usize, instructions: Instructions) -> Teddy {
        let groups: Vec<Tables> = (0..groups.clamp(1, MOST_GROUPS))
            .map(|group| Tables::of(buckets.iter().skip(group).step_by(groups).take(BUCKETS)))
            .collect();
        Teddy {
            portable: portable::Tables::of(&groups),
            groups,
            instructions,
        }
    }

    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Calls `found` for each candidate in ascending order, with the place and its window in little-endian order; bytes
    /// behind the end of `data` are 0.
    #[inline]
    pub(crate) fn find(&self, data: &[u8], mut found: impl FnMut(usize, u32)) {
        let done = match self.instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::find(&self.groups, data, &mut found),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::find(&self.groups, data, &mut found),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => neon::find(&self.groups, data, &mut found),
            Instructions::Portable => 0,
        };
        self.portable.find(data, done, &mut found);
    }
}

impl Tables {
    fn of<'a>(buckets: impl Iterator<Item = &'a Bucket>) -> Self {
        let mut tables = Tables([[[0; 16]; 2]; WINDOW]);
        for (bit, bucket) in buckets.enumerate() {
            for (place, [low, high]) in tables.0.iter_mut().enumerate() {
                for nibble in 0..16 {
                    low[nibble] |= u8::from(bucket.low[place] >> nibble & 1 == 1) << bit;
                    high[nibble] |= u8::from(bucket.high[place] >> nibble & 1 == 1) << bit;
                }
            }
        }
        tables
    }
}
