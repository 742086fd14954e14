//! Matching lines over time.

use std::collections::BTreeMap;

use super::{SEVERITIES, Severities};

const BUCKETS: i64 = 120;
const WIDTHS: [i64; 11] = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, 86_400]; // each divides the next
const WEEK: i64 = 604_800;

/// Lines of each severity by time, in a bounded number of buckets whose width grows with the span.
///
/// The order in which lines come does not change the result.
pub struct Histogram {
    span: Option<(i64, i64)>,
    width: i64,
    buckets: BTreeMap<i64, [u64; SEVERITIES]>,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            span: None,
            width: WIDTHS[0],
            buckets: BTreeMap::new(),
        }
    }
}

impl Histogram {
    /// Counts a line.
    pub fn add(&mut self, second: i64, severities: Severities) {
        let (first, last) = match self.span {
            Some((first, last)) => (first.min(second), last.max(second)),
            None => (second, second),
        };
        self.span = Some((first, last));
        if too_many(first, last, self.width) {
            self.widen(first, last);
        }
        let bucket = self
            .buckets
            .entry(second - second.rem_euclid(self.width))
            .or_default();
        for (severity, lines) in bucket.iter_mut().enumerate() {
            *lines += u64::from(severities >> severity & 1);
        }
    }

    /// Returns the earliest and the latest second.
    pub fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// Returns how many seconds a bucket spans.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Returns lines of each severity by a bucket's first second.
    pub fn buckets(&self) -> &BTreeMap<i64, [u64; SEVERITIES]> {
        &self.buckets
    }

    /// Merges buckets into wider ones until few enough are left.
    fn widen(&mut self, first: i64, last: i64) {
        let weeks = (0..).map(|doublings| WEEK << doublings);
        self.width = WIDTHS
            .into_iter()
            .chain(weeks)
            .find(|width| !too_many(first, last, *width))
            .unwrap_or(self.width);
        for (start, lines) in std::mem::take(&mut self.buckets) {
            let bucket = self
                .buckets
                .entry(start - start.rem_euclid(self.width))
                .or_default();
            for (sum, more) in bucket.iter_mut().zip(lines) {
                *sum += more;
            }
        }
    }
}

fn too_many(first: i64, last: i64, width: i64) -> bool {
    (last - first) / width + 2 > BUCKETS
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn buckets_do_not_depend_on_the_order_of_lines() {
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
            (forward.width, forward.buckets()),
            (backward.width, backward.buckets())
        );
        assert_eq!(
            forward.buckets.values().map(|lines| lines[2]).sum::<u64>(),
            500
        );
        assert!(forward.buckets.len() <= 120);
    }

    #[test]
    fn holds_times_of_centuries() {
        let mut histogram = Histogram::default();
        histogram.add(0, 1);
        histogram.add(4_102_444_800, 1);
        assert_eq!(histogram.buckets.len(), 2);
        assert_eq!(histogram.span(), Some((0, 4_102_444_800)));
    }
}
