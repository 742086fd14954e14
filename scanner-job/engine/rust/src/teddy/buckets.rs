//! Fingerprints put into few buckets so that few places are candidates.

use super::{Fingerprint, WINDOW};

/// Above this many fingerprints, neighbours in their order are put together first: the exact way takes time by the
/// square of their number (512: some 30 ms).
const MOST_EXACT: usize = 512;

/// The shares of bytes, added up for sets of them.
struct Shares {
    /// By high nibble, for each set of the low nibbles 0 to 7, and of those from 8 on.
    sums: Vec<[[f32; 256]; 2]>,
}

impl Shares {
    fn of(frequency: &[f32; 256]) -> Self {
        let sum = |nibbles: &[f32], set: usize| -> f32 {
            let shares = nibbles.iter().enumerate();
            shares
                .map(|(n, share)| if set >> n & 1 == 1 { *share } else { 0.0 })
                .sum()
        };
        let halves = |row: &[f32]| {
            [&row[..8], &row[8..]].map(|half| std::array::from_fn(|set| sum(half, set)))
        };
        Shares {
            sums: frequency.chunks(16).map(halves).collect(),
        }
    }

    /// The share of bytes with one of these low and one of these high nibbles.
    #[inline]
    fn with_nibbles(&self, low: u16, high: u16) -> f32 {
        let [first, second] = low.to_le_bytes().map(usize::from);
        let (mut sum, mut highs) = (0.0, high);
        while highs != 0 {
            let row = &self.sums[highs.trailing_zeros() as usize];
            sum += row[0][first] + row[1][second];
            highs &= highs - 1;
        }
        sum
    }
}

/// The bytes of some fingerprints: at each place all low and all high nibbles.
#[derive(Clone)]
pub(super) struct Bucket {
    pub low: [u16; WINDOW],
    pub high: [u16; WINDOW],
    /// The expected share of places that are candidates.
    rate: f32,
}

impl Bucket {
    fn of(fingerprint: &Fingerprint, shares: &Shares) -> Self {
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
        Bucket::new(low, high, shares)
    }

    fn new(low: [u16; WINDOW], high: [u16; WINDOW], shares: &Shares) -> Self {
        let rate = (0..WINDOW)
            .map(|n| shares.with_nibbles(low[n], high[n]))
            .product();
        Bucket { low, high, rate }
    }

    fn with(&self, other: &Bucket, shares: &Shares) -> Bucket {
        let or = |a: &[u16; WINDOW], b: &[u16; WINDOW]| std::array::from_fn(|n| a[n] | b[n]);
        Bucket::new(
            or(&self.low, &other.low),
            or(&self.high, &other.high),
            shares,
        )
    }

    /// Returns by how much the share of candidates grows if the two become one.
    fn cost_with(&self, other: &Bucket, shares: &Shares) -> f32 {
        self.with(other, shares).rate - self.rate - other.rate
    }
}

/// Returns for each of `sizes` (in descending order) that many buckets or fewer.
///
/// Again and again the two buckets whose union costs least are put together.
pub(super) fn distribute(
    fingerprints: &[Fingerprint],
    sizes: impl Iterator<Item = usize>,
    frequency: &[f32; 256],
) -> Vec<Vec<Bucket>> {
    let shares = Shares::of(frequency);
    let mut merging = Merging::new(first_buckets(fingerprints, &shares), &shares);
    sizes
        .map(|size| {
            while merging.buckets.len() > size {
                merging.merge_cheapest();
            }
            merging.buckets.clone()
        })
        .collect()
}

fn first_buckets(fingerprints: &[Fingerprint], shares: &Shares) -> Vec<Bucket> {
    let mut sorted = fingerprints.to_vec();
    sorted.sort();
    sorted.dedup();
    let together = sorted.len().div_ceil(MOST_EXACT).max(1);
    sorted
        .chunks(together)
        .filter_map(|chunk| {
            let buckets = chunk.iter().map(|print| Bucket::of(print, shares));
            buckets.reduce(|all, bucket| all.with(&bucket, shares))
        })
        .collect()
}

struct Merging<'a> {
    buckets: Vec<Bucket>,
    /// For each bucket the cheapest partner and its cost; filled when first needed.
    partners: Vec<Partner>,
    shares: &'a Shares,
}

/// The bucket with which another is cheapest put together.
#[derive(Clone, Copy)]
struct Partner {
    cost: f32,
    /// None if it has changed since: a larger one would cost about as much at least.
    bucket: Option<usize>,
}

impl<'a> Merging<'a> {
    fn new(buckets: Vec<Bucket>, shares: &'a Shares) -> Self {
        Merging {
            buckets,
            partners: Vec::new(),
            shares,
        }
    }

    fn cheapest_partner(&self, bucket: usize) -> Partner {
        let others = (0..self.buckets.len()).filter(|&other| other != bucket);
        let cost = |other: usize| self.buckets[bucket].cost_with(&self.buckets[other], self.shares);
        others
            .map(|other| Partner {
                cost: cost(other),
                bucket: Some(other),
            })
            .min_by(|a, b| a.cost.total_cmp(&b.cost))
            .unwrap_or(Partner {
                cost: f32::MAX,
                bucket: Some(bucket),
            })
    }

    /// Returns the two buckets that are cheapest put together. Partners that have changed are looked for again only
    /// where the cost before the change is the lowest of all.
    fn cheapest_pair(&mut self) -> Option<(usize, usize)> {
        loop {
            let costs =
                |n: &usize, m: &usize| self.partners[*n].cost.total_cmp(&self.partners[*m].cost);
            let kept = (0..self.partners.len()).min_by(costs)?;
            match self.partners[kept].bucket {
                Some(gone) => return Some((kept, gone)),
                None => self.partners[kept] = self.cheapest_partner(kept),
            }
        }
    }

    fn merge_cheapest(&mut self) {
        if self.partners.is_empty() {
            self.partners = (0..self.buckets.len())
                .map(|n| self.cheapest_partner(n))
                .collect();
        }
        let Some((kept, gone)) = self.cheapest_pair() else {
            return;
        };
        self.buckets[kept] = self.buckets[kept].with(&self.buckets[gone], self.shares);
        for partner in &mut self.partners {
            partner.bucket = partner
                .bucket
                .filter(|bucket| ![kept, gone].contains(bucket));
        }
        // The last bucket takes the place of the one that is gone.
        let last = self.buckets.len() - 1;
        self.buckets.swap_remove(gone);
        self.partners.swap_remove(gone);
        for partner in &mut self.partners {
            partner.bucket = partner
                .bucket
                .map(|bucket| if bucket == last { gone } else { bucket });
        }
        let kept = if kept == last { gone } else { kept };
        self.partners[kept] = self.cheapest_partner(kept);
    }
}
