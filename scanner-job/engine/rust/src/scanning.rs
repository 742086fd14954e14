//! A log scanned by several threads.
//!
//! Whoever reads the log pushes it in chunks. Their blocks of lines wait in a queue, from which whichever thread is free
//! takes the next; what it found waits until everything before it was counted. So results come as if one thread had done
//! it all, and no thread waits for another.

mod queue;
mod search;
mod worker;

use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::cutting::{Chunk, Cutter, Piece};
use crate::tally::{Counting, Sampling, Tally};
use queue::{Job, Queue};
pub use search::Search;
use worker::Shared;
#[cfg(feature = "python")]
pub(crate) use worker::words_of;

/// Blocks are gathered up to so many bytes, so that small chunks cost no more than large ones.
const JOB_BYTES: usize = 256 * 1024;
/// Jobs that wait or whose results wait, for each thread.
const JOBS_AHEAD: usize = 3;

/// The engine broke; the message says how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// How to scan.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the lines of each rule count. Expressions behind those of the rules take lines away.
    pub rules: Vec<Counting>,
    /// Which lines are kept.
    pub sampling: Sampling,
    /// A second that the log is not newer than, see [`crate::clock::second_of`].
    pub reference: i64,
    /// Lines are scanned up to so many bytes.
    pub max_line_bytes: usize,
    /// Threads that scan.
    pub threads: usize,
}

/// Scans one input after the other.
pub struct Scanner<S: Search> {
    shared: Arc<Shared<S>>,
    threads: Vec<JoinHandle<()>>,
    cutter: Cutter,
    pieces: Vec<Piece>,
    bytes: u64,
    /// What the next job begins with, if with another input.
    begins: Option<Option<Arc<str>>>,
}

impl<S: Search> Scanner<S> {
    /// Starts the threads.
    ///
    /// # Errors
    /// One cannot be started.
    pub fn new(search: Arc<S>, settings: Settings) -> std::io::Result<Self> {
        let count = settings.threads.max(1);
        let cutter = Cutter::new(settings.max_line_bytes);
        let queue = Queue::new(JOBS_AHEAD * count + 1);
        let shared = Arc::new(Shared::new(search, settings, queue));
        let mut scanner = Scanner {
            shared,
            threads: Vec::new(),
            cutter,
            pieces: Vec::new(),
            bytes: 0,
            begins: Some(None),
        };
        for number in 0..count {
            let shared = scanner.shared.clone();
            let builder = thread::Builder::new().name(format!("scan-{number}"));
            scanner.threads.push(builder.spawn(move || shared.work())?);
        }
        Ok(scanner)
    }

    /// Begins another input; the last one ends.
    pub fn begin(&mut self, place: Option<Arc<str>>) {
        self.cutter.finish(&mut self.pieces);
        self.dispatch();
        self.begins = Some(place);
    }

    /// Takes the next chunk of the input.
    pub fn push(&mut self, chunk: &Chunk) {
        self.bytes += (**chunk).as_ref().len() as u64;
        self.cutter.push(chunk, &mut self.pieces);
        if self
            .pieces
            .iter()
            .map(|piece| piece.data().len())
            .sum::<usize>()
            >= JOB_BYTES
        {
            self.dispatch();
        }
    }

    /// Ends the last input. What was found is complete once [`wait_for_all`](Self::wait_for_all) returns true.
    pub fn finish(&mut self) {
        self.begin(None);
    }

    /// Waits a while until there is room for more; returns whether there is.
    ///
    /// # Errors
    /// A thread broke.
    pub fn wait_for_room(&self, patience: Duration) -> Result<bool, Broken> {
        self.shared.queue.wait_for_room(patience)
    }

    /// Waits a while until everything was counted; returns whether it is.
    ///
    /// # Errors
    /// A thread broke.
    pub fn wait_for_all(&self, patience: Duration) -> Result<bool, Broken> {
        let done = self.shared.queue.wait_for_all(patience)?;
        if done {
            self.tally().finish();
        }
        Ok(done)
    }

    /// Returns what was counted so far.
    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.shared.tally()
    }

    /// Returns for each expression about how many seconds of CPU time it adds to the scan of 1 GB of a log like this one.
    pub fn costs(&self) -> Vec<f64> {
        self.shared.costs()
    }

    /// Returns the bytes of all chunks.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns how many lines were longer than the limit.
    pub fn long_lines(&self) -> u64 {
        self.cutter.long_lines()
    }

    /// Gives the gathered pieces to whichever thread is free.
    fn dispatch(&mut self) {
        if self.pieces.is_empty() {
            return;
        }
        let pieces = std::mem::take(&mut self.pieces);
        self.shared.choose(&pieces);
        let begins = self.begins.take();
        self.shared.queue.put(Job { begins, pieces });
    }
}

impl<S: Search> Drop for Scanner<S> {
    fn drop(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that broke has said so.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
