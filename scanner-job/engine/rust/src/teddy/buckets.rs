//! Fingerprints put into few buckets so that few places are candidates.

use super::{Fingerprint, WINDOW};

/// Above this many fingerprints, neighbours in their order are put together first: the exact way takes time by the
/// square of their number.
const MOST_EXACT: usize = 512;

/// The bytes of some fingerprints: at each place all low and all high nibbles.
#[derive(Clone)]
pub(super) struct Bucket {
    pub low: [u16; WINDOW],
    pub high: [u16; WINDOW],
    /// The expected share of places that are candidates.
    rate: f32,
}

impl Bucket {
    fn of(fingerprint: &Fingerprint, frequency: &[f32; 256]) -> Self {
        let (mut low, mut high) = ([0; WINDOW], [0; WINDOW]);
        for place in 0..WINDOW {
            for byte in 0..=255_u8 {
                let mask = fingerprint.masks[place];
                if byte & mask == fingerprint.bytes[place] & mask {
                    low[place] |= 1 << (byte & 15);
                    high[place] |= 1 << (byte >> 4);
                }
            }
        }
        Bucket::new(low, high, frequency)
    }

    fn new(low: [u16; WINDOW], high: [u16; WINDOW], frequency: &[f32; 256]) -> Self {
        let rate = (0..WINDOW)
            .map(|n| share(low[n], high[n], frequency))
            .product();
        Bucket { low, high, rate }
    }

    fn with(&self, other: &Bucket, frequency: &[f32; 256]) -> Bucket {
        let or = |a: &[u16; WINDOW], b: &[u16; WINDOW]| std::array::from_fn(|n| a[n] | b[n]);
        Bucket::new(
            or(&self.low, &other.low),
            or(&self.high, &other.high),
            frequency,
        )
    }

    /// Returns by how much the share of candidates grows if the two become one.
    fn cost_with(&self, other: &Bucket, frequency: &[f32; 256]) -> f32 {
        self.with(other, frequency).rate - self.rate - other.rate
    }
}

/// The share of bytes with one of these low and one of these high nibbles.
fn share(low: u16, high: u16, frequency: &[f32; 256]) -> f32 {
    if low == u16::MAX && high == u16::MAX {
        return 1.0;
    }
    let mut sum = 0.0;
    let mut highs = high;
    while highs != 0 {
        let row = &frequency[highs.trailing_zeros() as usize * 16..][..16];
        let mut lows = low;
        while lows != 0 {
            sum += row[lows.trailing_zeros() as usize];
            lows &= lows - 1;
        }
        highs &= highs - 1;
    }
    sum
}

/// Returns for each of `sizes` (in descending order) that many buckets or fewer.
///
/// Again and again the two buckets whose union costs least are put together.
pub(super) fn distribute(
    fingerprints: &[Fingerprint],
    sizes: impl Iterator<Item = usize>,
    frequency: &[f32; 256],
) -> Vec<Vec<Bucket>> {
    let mut merging = Merging::new(first_buckets(fingerprints, frequency), frequency);
    sizes
        .map(|size| {
            while merging.buckets.len() > size {
                merging.merge_cheapest();
            }
            merging.buckets.clone()
        })
        .collect()
}

fn first_buckets(fingerprints: &[Fingerprint], frequency: &[f32; 256]) -> Vec<Bucket> {
    let mut sorted = fingerprints.to_vec();
    sorted.sort();
    sorted.dedup();
    let together = sorted.len().div_ceil(MOST_EXACT).max(1);
    sorted
        .chunks(together)
        .filter_map(|chunk| {
            let buckets = chunk.iter().map(|print| Bucket::of(print, frequency));
            buckets.reduce(|all, bucket| all.with(&bucket, frequency))
        })
        .collect()
}

struct Merging<'a> {
    buckets: Vec<Bucket>,
    /// For each bucket the cheapest partner and its cost; filled when first needed.
    partners: Vec<(f32, usize)>,
    frequency: &'a [f32; 256],
}

impl<'a> Merging<'a> {
    fn new(buckets: Vec<Bucket>, frequency: &'a [f32; 256]) -> Self {
        Merging {
            buckets,
            partners: Vec::new(),
            frequency,
        }
    }

    fn cheapest_partner(&self, bucket: usize) -> (f32, usize) {
        let others = (0..self.buckets.len()).filter(|&other| other != bucket);
        others
            .map(|other| {
                (
                    self.buckets[bucket].cost_with(&self.buckets[other], self.frequency),
                    other,
                )
            })
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((f32::MAX, bucket))
    }

    fn merge_cheapest(&mut self) {
        if self.partners.is_empty() {
            self.partners = (0..self.buckets.len())
                .map(|n| self.cheapest_partner(n))
                .collect();
        }
        let cheapest = (0..self.buckets.len())
            .min_by(|&a, &b| self.partners[a].0.total_cmp(&self.partners[b].0));
        let Some(kept) = cheapest else { return };
        let gone = self.partners[kept].1;
        self.buckets[kept] = self.buckets[kept].with(&self.buckets[gone], self.frequency);
        // The last bucket takes the place of the one that is gone.
        let last = self.buckets.len() - 1;
        self.buckets.swap_remove(gone);
        self.partners.swap_remove(gone);
        let kept_now = if kept == last { gone } else { kept };
        for n in 0..self.buckets.len() {
            let partner = self.partners[n].1;
            if n == kept_now || partner == gone || partner == kept {
                self.partners[n] = self.cheapest_partner(n);
            } else if partner == last {
                self.partners[n].1 = gone;
            }
        }
    }
}
