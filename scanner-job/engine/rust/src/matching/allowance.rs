//! How much time PCRE2 may take in a scan.
//!
//! The limit of steps holds for one place of one line. A rule such as `(\w+\s?)+(?<!q)=$` takes a quarter of a second for
//! each line of a few KiB, whether it reaches that limit or stays below it, which is a day for 1 GB. So the time of
//! PCRE2 is added up, and when there is too much of it the rule that took most is retired: the lines that it would have
//! to look at are given up from there on, which makes it incomplete, and the other rules are counted as ever.
//!
//! What counts is CPU time, so that a busy machine or a throttled pod retires nobody. Asking the system for it takes as
//! long as PCRE2 needs for a line. So each line is timed by the cheap clock on the wall, and the sum is scaled by what
//! the thread had of the processor meanwhile.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::Limits;

/// What was timed is scaled and added up each time it has come to this, and at the end of each block.
const STRETCH: Duration = Duration::from_millis(100);

/// The time that PCRE2 has taken in one thread.
pub(super) struct Allowance {
    at_once: Duration,
    nanoseconds_per_byte: u32,
    /// Bytes of the blocks that were scanned.
    bytes: u64,
    rules: Vec<Taken>,
    stretch: Stretch,
}

/// What one rule has taken.
#[derive(Clone, Copy, Default)]
struct Taken {
    cpu: Duration,
    /// By the clock on the wall, in the current stretch.
    wall: Duration,
    retired: bool,
}

struct Stretch {
    wall: Instant,
    cpu: Duration,
    /// What PCRE2 took of it.
    verifying: Duration,
}

impl Allowance {
    pub(super) fn new(limits: &Limits, rules: usize) -> Self {
        Allowance {
            at_once: limits.pcre_time,
            nanoseconds_per_byte: limits.pcre_nanoseconds_per_byte,
            bytes: 0,
            rules: vec![Taken::default(); rules],
            stretch: Stretch::begin(),
        }
    }

    /// Begins a block: what the thread did before is not of its stretch.
    pub(super) fn begin_block(&mut self) {
        self.stretch = Stretch::begin();
    }

    pub(super) fn end_block(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.end_stretch();
    }

    #[inline]
    pub(super) fn is_retired(&self, rule: usize) -> bool {
        self.rules[rule].retired
    }

    /// Notes the time that a rule took for a line.
    #[inline]
    pub(super) fn spend(&mut self, rule: usize, wall: Duration) {
        self.rules[rule].wall += wall;
        self.stretch.verifying += wall;
        if self.stretch.verifying >= STRETCH {
            self.end_stretch();
        }
    }

    fn end_stretch(&mut self) {
        if self.stretch.verifying.is_zero() {
            return;
        }
        let share = self.stretch.processor_share();
        for rule in &mut self.rules {
            rule.cpu += rule.wall.mul_f64(share);
            rule.wall = Duration::ZERO;
        }
        self.stretch = Stretch::begin();
        self.retire();
    }

    /// Retires those that took most until the others have not taken too much.
    fn retire(&mut self) {
        let by_bytes = self.bytes.saturating_mul(self.nanoseconds_per_byte.into());
        let allowed = self.at_once + Duration::from_nanos(by_bytes);
        let mut taken: Duration = self.active().map(|rule| rule.cpu).sum();
        while taken > allowed {
            let Some(most) = self.active().max_by_key(|rule| rule.cpu) else {
                return;
            };
            most.retired = true;
            taken -= most.cpu;
        }
    }

    fn active(&mut self) -> impl Iterator<Item = &mut Taken> {
        self.rules.iter_mut().filter(|rule| !rule.retired)
    }
}

impl Stretch {
    fn begin() -> Self {
        Stretch {
            wall: Instant::now(),
            cpu: cpu_time(),
            verifying: Duration::ZERO,
        }
    }

    /// Returns how much of the time since the stretch began the thread was on a processor.
    fn processor_share(&self) -> f64 {
        let (wall, cpu) = (self.wall.elapsed(), cpu_time().saturating_sub(self.cpu));
        (cpu.as_secs_f64() / wall.as_secs_f64().max(1e-9)).min(1.0)
    }
}

/// Returns the CPU time of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Allowance;
    use crate::matching::Limits;

    fn allowance(at_once: Duration, nanoseconds_per_byte: u32) -> Allowance {
        let limits = Limits {
            pcre_time: at_once,
            pcre_nanoseconds_per_byte: nanoseconds_per_byte,
            ..Limits::default()
        };
        Allowance::new(&limits, 3)
    }

    fn take(allowance: &mut Allowance, milliseconds: [u64; 3]) -> [bool; 3] {
        for (rule, time) in milliseconds.into_iter().enumerate() {
            allowance.rules[rule].cpu += Duration::from_millis(time);
        }
        allowance.retire();
        [0, 1, 2].map(|rule| allowance.is_retired(rule))
    }

    #[test]
    fn the_rule_that_took_most_is_retired_and_its_time_no_longer_counts() {
        let mut allowance = allowance(Duration::from_millis(100), 0);
        assert_eq!(take(&mut allowance, [50, 30, 20]), [false; 3]);
        assert_eq!(take(&mut allowance, [0, 30, 0]), [false, true, false]);
        assert_eq!(take(&mut allowance, [20, 0, 10]), [false, true, false]);
        assert_eq!(take(&mut allowance, [100, 0, 100]), [true; 3]);
    }

    #[test]
    fn each_byte_of_the_log_allows_more() {
        let mut allowance = allowance(Duration::ZERO, 1000);
        allowance.end_block(100_000);
        assert_eq!(take(&mut allowance, [50, 30, 20]), [false; 3]);
        assert_eq!(take(&mut allowance, [1, 0, 0]), [true, false, false]);
    }

    #[test]
    fn time_off_the_processor_is_not_counted() {
        let mut allowance = allowance(Duration::from_millis(50), 0);
        allowance.begin_block();
        std::thread::sleep(Duration::from_millis(200));
        allowance.spend(0, Duration::from_millis(200));
        assert!(!allowance.is_retired(0), "{:?}", allowance.rules[0].cpu);
    }
}
