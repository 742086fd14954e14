//! What each thread does.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use memchr::memchr_iter;

use super::intake::Intake;
use super::queue::{Done, Job, Queue, Turn};
use super::{Panicked, Search, Settings};
use crate::ansi;
use crate::framing::By;
use crate::matching::Hit;
use crate::pieces::Piece;
use crate::tally::{Block, Found, Tally};

/// So many hits at most are kept at a time: a block of empty lines that each of a hundred rules matches has 50 million.
const MOST_HITS: usize = 1 << 20;
/// So much of a log is looked at to choose what to look for.
const SAMPLE_BYTES: usize = 256 * 1024;
/// So much of that is kept to say later what rules cost.
const KEPT_BYTES: usize = 64 * 1024;

/// A sample of so many bytes says enough of a log that others which the same rules scan may start with its plan.
const TELLING_BYTES: usize = 16 * 1024;

/// The literals to search for, and the sample by which they were chosen.
pub struct Calibration<P> {
    plan: P,
    sample: Vec<u8>,
}

/// What one scan with some rules has chosen, for the next one: choosing takes longer than the scan of a small log. A
/// plan changes no count, and a log that is unlike the last one is noticed as one that changes.
pub type Known<P> = Arc<Mutex<Option<Arc<Calibration<P>>>>>;

/// What the threads share.
pub(super) struct Shared<S: Search> {
    search: Arc<S>,
    settings: Settings,
    pub queue: Queue,
    intake: Mutex<Intake>,
    calibration: Mutex<Option<Arc<Calibration<S::Plan>>>>,
    known: Known<S::Plan>,
    /// Held by the thread that chooses again.
    recalibrating: Mutex<()>,
    tally: Mutex<Tally>,
}

impl<S: Search> Shared<S> {
    pub(super) fn new(
        search: Arc<S>,
        settings: Settings,
        queue: Queue,
        known: Known<S::Plan>,
    ) -> Self {
        let tally = Tally::new(
            settings.rules.clone(),
            search.expressions(),
            settings.sampling,
        );
        Shared {
            intake: Mutex::new(Intake::new(
                settings.framing.clone(),
                settings.max_record_bytes,
            )),
            search,
            settings,
            queue,
            calibration: Mutex::default(),
            known,
            recalibrating: Mutex::default(),
            tally: Mutex::new(tally),
        }
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        lock(&self.intake)
    }

    /// Returns for each expression about how many seconds it adds to the scan of 1 GB of a log like this one, or like
    /// ordinary ones if nothing was scanned.
    pub(super) fn costs(&self) -> Vec<f64> {
        let calibration = self.calibration(&[]);
        self.search.costs(&calibration.plan, &calibration.sample)
    }

    /// Scans whatever comes until there is no more.
    pub(super) fn work(&self) {
        let scan = AssertUnwindSafe(|| self.scan_all());
        if let Err(cause) = catch_unwind(scan) {
            self.queue.fail(Panicked(panic_message(&*cause)));
        }
    }

    fn scan_all(&self) {
        let mut scratch = self.search.scratch();
        let mut gave_up = vec![0; self.search.expressions()];
        let mut hits = Vec::new();
        while let Some((number, mut job)) = self.next_job() {
            let lines = self.look(&mut job.pieces);
            let calibration = self.calibration(&job.pieces);
            let plan = &calibration.plan;
            let found = job.pieces.iter().zip(lines);
            let found =
                found.map(|(piece, lines)| self.find(plan, &mut scratch, piece, lines, &mut hits));
            let done = Done {
                found: found.collect(),
                gave_up: more_of(S::gave_up(&scratch), &mut gave_up),
                job,
            };
            if S::is_outdated(plan, &scratch) {
                self.recalibrate(&calibration, &done.job);
            }
            let mut count = |done: Done| self.count(&done, &mut scratch);
            self.queue.done(number, done, &mut count);
        }
    }

    /// Waits for the next job, or reads it.
    fn next_job(&self) -> Option<(u64, Job)> {
        loop {
            match self.queue.take()? {
                Turn::Scan(number, job) => return Some((number, job)),
                Turn::Read => {
                    // Held until the job has its number: jobs are numbered in the order of the log.
                    let mut intake = self.intake();
                    match intake.read() {
                        Some(job) => return Some((self.queue.number(), job)),
                        None => self.queue.end_reading(),
                    }
                }
            }
        }
    }

    /// Counts the lines of each piece, and takes the escape sequences of terminals out of those that have some.
    fn look(&self, pieces: &mut [Piece]) -> Vec<u64> {
        let text = !matches!(self.settings.framing.by, By::Bytes);
        let look = |piece: &mut Piece| {
            let (lines, escapes) = ansi::look(piece.data());
            if escapes && text {
                *piece = ansi::without_sequences(piece);
            }
            lines
        };
        pieces.iter_mut().map(look).collect()
    }

    fn find(
        &self,
        plan: &S::Plan,
        scratch: &mut S::Scratch,
        piece: &Piece,
        lines: u64,
        hits: &mut Vec<Hit>,
    ) -> Found {
        let (block, places) = (piece.data(), piece.places());
        let reference = self.settings.reference;
        let mut found = Found::of(lines);
        let most = MOST_HITS / self.search.expressions().max(1);
        for Range { start, end } in parts(block, found.lines() as usize, most) {
            hits.clear();
            self.search.scan(plan, scratch, &block[start..end], hits);
            found.add(&block[start..end], start, hits, reference, places);
        }
        found
    }

    fn count(&self, done: &Done, scratch: &mut S::Scratch) {
        let mut tally = self.tally();
        let mut locate = |rule: u32, line: &[u8]| self.search.locate(scratch, rule as usize, line);
        if let Some(key) = &done.job.begins {
            tally.begin(key.clone());
        }
        for (piece, found) in done.job.pieces.iter().zip(&done.found) {
            let block = Block {
                data: piece.data(),
                places: piece.places(),
            };
            tally.add(block, found, &mut locate);
        }
        for &(expression, lines) in &done.gave_up {
            tally.give_up(expression, lines);
        }
    }

    /// Returns the current calibration; if there is none, that of the scan before, or one made from these pieces.
    fn calibration(&self, pieces: &[Piece]) -> Arc<Calibration<S::Plan>> {
        let mut calibration = lock(&self.calibration);
        calibration
            .get_or_insert_with(|| {
                let known = lock(&self.known).clone();
                known.unwrap_or_else(|| self.calibrated(pieces))
            })
            .clone()
    }

    /// Chooses by a job's blocks, unless another thread does that right now.
    fn recalibrate(&self, outdated: &Arc<Calibration<S::Plan>>, job: &Job) {
        let _recalibrating = match self.recalibrating.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let current = lock(&self.calibration).clone();
        if current.is_some_and(|current| Arc::ptr_eq(&current, outdated)) {
            *lock(&self.calibration) = Some(self.calibrated(&job.pieces));
        }
    }

    fn calibrated(&self, pieces: &[Piece]) -> Arc<Calibration<S::Plan>> {
        let mut sample = sample_of(pieces);
        let plan = self.search.calibrate(&sample);
        let telling = sample.len() >= TELLING_BYTES;
        sample.truncate(KEPT_BYTES);
        sample.shrink_to_fit();
        let calibration = Arc::new(Calibration { plan, sample });
        if telling {
            *lock(&self.known) = Some(calibration.clone());
        }
        calibration
    }
}

/// Returns the parts of a block so that none has more than `most` lines: one, unless the block's lines are tiny.
fn parts(block: &[u8], lines: usize, most: usize) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    if lines > most {
        let ends = memchr_iter(b'\n', block).map(|newline| newline + 1);
        let ends = ends.filter(|&end| end < block.len());
        let most = most.max(1);
        starts.extend(ends.skip(most - 1).step_by(most));
    }
    let ends = starts.iter().skip(1).copied().chain([block.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

fn sample_of(pieces: &[Piece]) -> Vec<u8> {
    let mut sample = Vec::new();
    for piece in pieces {
        let room = SAMPLE_BYTES - sample.len();
        let data = piece.data();
        sample.extend_from_slice(&data[..data.len().min(room)]);
    }
    sample
}

/// Returns which of some counts have grown, by how much, and remembers them.
fn more_of(counts: &[u64], known: &mut [u64]) -> Vec<(usize, u64)> {
    let grown = |(n, (count, known)): (usize, (&u64, &mut u64))| {
        let more = count - *known;
        *known = *count;
        (more > 0).then_some((n, more))
    };
    counts
        .iter()
        .zip(known)
        .enumerate()
        .filter_map(grown)
        .collect()
}

/// Returns what a panic said.
pub(crate) fn panic_message(cause: &(dyn Any + Send)) -> String {
    let words = cause
        .downcast_ref::<&str>()
        .map(|words| (*words).to_owned());
    words
        .or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic is recorded in the queue and ends the scan.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_block_of_tiny_lines_is_scanned_in_parts_of_whole_lines() {
        for text in [
            "",
            "a",
            "a\n",
            "\n\n\n\n",
            "a\nb\nc",
            "a\nb\nc\n",
            "\na\n\nbbbb\n\n",
        ] {
            for most in 0..6 {
                let found = parts(text.as_bytes(), text.lines().count(), most);
                let parts: Vec<&str> = found.into_iter().map(|part| &text[part]).collect();
                assert_eq!(parts.concat(), text);
                for (number, part) in parts.iter().enumerate() {
                    let newlines = part.matches('\n').count();
                    assert!(newlines <= most.max(1));
                    assert!(number + 1 == parts.len() || part.ends_with('\n'));
                }
            }
        }
    }
}
