//! Matching lines over time.

use super::{SEVERITIES, Severities};

const BINS: i64 = 120;
const WIDTHS: [i64; 11] = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, 86_400]; // each divides the next
const WEEK: i64 = 604_800;

/// The first second of a bin, and its lines of each severity.
pub type Bin = (i64, [u64; SEVERITIES]);

/// Lines of each severity by time, in a bounded number of bins whose width grows with the span.
///
/// The order in which lines come does not change the result.
pub struct Histogram {
    span: Option<(i64, i64)>,
    width: i64,
    /// In ascending order.
    bins: Vec<Bin>,
    /// The bin of the last line. The next line is nearly always of the same one.
    last: usize,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            span: None,
            width: WIDTHS[0],
            bins: Vec::new(),
            last: 0,
        }
    }
}

impl Histogram {
    /// Counts a line.
    pub fn add(&mut self, second: i64, severities: Severities) {
        let (first, last) = self.span.unwrap_or((second, second));
        let span = (first.min(second), last.max(second));
        if self.span != Some(span) {
            self.span = Some(span);
            if too_many(span, self.width) {
                self.widen(span);
            }
        }
        let (_, lines) = match self.bins.get(self.last) {
            Some(&(start, _)) if (start..start + self.width).contains(&second) => {
                &mut self.bins[self.last]
            }
            _ => self.bin(second),
        };
        for (severity, lines) in lines.iter_mut().enumerate() {
            *lines += u64::from(severities >> severity & 1);
        }
    }

    /// Returns the earliest and the latest second.
    pub fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// Returns how many seconds a bin spans.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Returns the bins that hold something, in ascending order.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Returns the bin of a second.
    fn bin(&mut self, second: i64) -> &mut Bin {
        let start = second - second.rem_euclid(self.width);
        self.last = self.bins.partition_point(|bin| bin.0 < start);
        if self.bins.get(self.last).is_none_or(|bin| bin.0 != start) {
            self.bins.insert(self.last, (start, [0; SEVERITIES]));
        }
        &mut self.bins[self.last]
    }

    /// Merges bins into wider ones until few enough are left.
    fn widen(&mut self, span: (i64, i64)) {
        let weeks = (0..).map(|doublings| WEEK << doublings);
        self.width = WIDTHS
            .into_iter()
            .chain(weeks)
            .find(|width| !too_many(span, *width))
            .unwrap_or(self.width);
        let width = self.width;
        self.bins.dedup_by(|next, bin| {
            // The widths divide each other, so that a bin is part of one wider bin.
            let same = next.0.div_euclid(width) == bin.0.div_euclid(width);
            if same {
                bin.1
                    .iter_mut()
                    .zip(next.1)
                    .for_each(|(sum, more)| *sum += more);
            }
            same
        });
        for bin in &mut self.bins {
            bin.0 -= bin.0.rem_euclid(width);
        }
    }
}

fn too_many((first, last): (i64, i64), width: i64) -> bool {
    last - first >= width.saturating_mul(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn bins_do_not_depend_on_the_order_of_lines() {
        let seconds: Vec<i64> = (0..500).map(|n| n * n * 7919 % 100_003).collect();
        let mut forward = Histogram::default();
        let mut backward = Histogram::default();
        for second in &seconds {
            forward.add(*second, 0b0100);
        }
        for second in seconds.iter().rev() {
            backward.add(*second, 0b0100);
        }
        assert_eq!(
            (forward.width, forward.bins()),
            (backward.width, backward.bins())
        );
        assert_eq!(forward.bins.iter().map(|bin| bin.1[2]).sum::<u64>(), 500);
        assert!(forward.bins.len() <= 120);
    }

    #[test]
    fn the_width_follows_from_the_span() {
        let mut random = crate::testing::Random::new(3);
        for _ in 0..2000 {
            let most = [3, 119, 130, 700, 5000, 100_000, 1 << 40][random.below(7)];
            let start = random.below(1000) as i64 - 500;
            let mut seconds: Vec<i64> = (0..1 + random.below(40))
                .map(|_| start + random.below(most) as i64)
                .collect();
            let all = |seconds: &[i64]| {
                let mut histogram = Histogram::default();
                seconds.iter().for_each(|&second| histogram.add(second, 1));
                (histogram.width, histogram.bins)
            };
            let (width, bins) = all(&seconds);
            let counted: u64 = bins.iter().map(|bin| bin.1[0]).sum();
            assert_eq!(counted, seconds.len() as u64);
            assert!(bins.len() <= 120 && bins.is_sorted_by(|one, next| one.0 < next.0));
            seconds.sort_unstable();
            assert_eq!(all(&seconds), (width, bins.clone()));
            seconds.reverse();
            assert_eq!(all(&seconds), (width, bins));
        }
    }

    #[test]
    fn holds_times_of_centuries() {
        let mut histogram = Histogram::default();
        histogram.add(0, 1);
        histogram.add(4_102_444_800, 1);
        assert_eq!(histogram.bins.len(), 2);
        assert_eq!(histogram.span(), Some((0, 4_102_444_800)));
    }
}
