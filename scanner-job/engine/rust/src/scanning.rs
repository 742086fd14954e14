//! A log scanned by several threads.
//!
//! Blocks of lines wait in a queue; the next free thread scans one, or reads it from a file first. Results are counted in
//! the order of the log, as if one thread had found them all, and no thread waits for another.

mod intake;
mod queue;
mod search;
mod worker;

use std::fs::File;
use std::io;
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::framing::Framing;
use crate::pieces::Chunk;
use crate::tally::{Counting, Sampling, Tally};
use queue::{Job, Queue};
pub use search::Search;
pub use worker::Known;
use worker::Shared;
#[cfg(feature = "python")]
pub(crate) use worker::panic_message;

/// Jobs that wait or whose results wait, for each thread.
const JOBS_AHEAD: u64 = 3;

/// A thread panicked, with this message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked(pub String);

/// How to scan.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the lines of each rule count. Expressions behind those of the rules take lines away.
    pub rules: Vec<Counting>,
    /// Which lines are kept.
    pub sampling: Sampling,
    /// What a line is.
    pub framing: Framing,
    /// A second that the log is not newer than, see [`crate::clock::second_of`].
    pub reference: i64,
    /// Lines are scanned up to so many bytes.
    pub max_record_bytes: usize,
    /// Threads that scan.
    pub threads: usize,
}

/// Scans one input after the other.
pub struct Scanner<S: Search> {
    shared: Arc<Shared<S>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Search> Scanner<S> {
    /// Starts the threads of a scan that shares what it learns with others of the same rules.
    ///
    /// # Errors
    /// One cannot be started.
    pub fn new(search: Arc<S>, settings: Settings, known: Known<S::Plan>) -> std::io::Result<Self> {
        let count = settings.threads.max(1);
        let queue = Queue::new(JOBS_AHEAD * count as u64 + 1);
        let shared = Arc::new(Shared::new(search, settings, queue, known));
        let mut scanner = Scanner {
            shared,
            threads: Vec::new(),
        };
        for number in 0..count {
            let shared = scanner.shared.clone();
            let builder = thread::Builder::new().name(format!("scan-{number}"));
            scanner.threads.push(builder.spawn(move || shared.work())?);
        }
        Ok(scanner)
    }

    /// Starts the next input; the last one ends.
    pub fn begin(&mut self, key: Option<Arc<str>>) {
        let job = self.shared.intake().begin(key);
        self.dispatch(job);
    }

    /// Takes the next chunk of the input.
    pub fn push(&mut self, chunk: &Chunk) {
        let job = self.shared.intake().push(chunk);
        self.dispatch(job);
    }

    /// Lets the threads read the next bytes of the input from a file, at most so many. Nothing is pushed until
    /// [`wait_for_reading`](Self::wait_for_reading) returns true.
    pub fn read(&mut self, file: File, most: u64) {
        self.shared.intake().start_reading(file, most);
        self.shared.queue.start_reading();
    }

    /// Waits a while until a file was read; returns whether it is.
    ///
    /// # Errors
    /// A thread panicked.
    pub fn wait_for_reading(&self, timeout: Duration) -> Result<bool, Panicked> {
        self.shared.queue.wait_for_reading(timeout)
    }

    /// Returns how many bytes the last file had, up to the most that was to be read.
    ///
    /// # Errors
    /// It could not be read.
    pub fn end_of_reading(&mut self) -> io::Result<u64> {
        self.shared.intake().end_of_reading()
    }

    /// Ends the last input. What was found is complete once [`wait_for_all`](Self::wait_for_all) returns true.
    pub fn finish(&mut self) {
        self.begin(None);
    }

    /// Waits a while until there is room for more; returns whether there is.
    ///
    /// # Errors
    /// A thread panicked.
    pub fn wait_for_room(&self, timeout: Duration) -> Result<bool, Panicked> {
        self.shared.queue.wait_for_room(timeout)
    }

    /// Waits a while until everything was counted; returns whether it is.
    ///
    /// # Errors
    /// A thread panicked.
    pub fn wait_for_all(&self, timeout: Duration) -> Result<bool, Panicked> {
        let done = self.shared.queue.wait_for_all(timeout)?;
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
        self.shared.intake().bytes()
    }

    /// Returns how many lines were longer than the limit.
    pub fn cut_records(&self) -> u64 {
        self.shared.intake().cut_records()
    }

    /// Gives a job to whichever thread is free.
    fn dispatch(&self, job: Option<Job>) {
        if let Some(job) = job {
            self.shared.queue.put(job);
        }
    }
}

impl<S: Search> Drop for Scanner<S> {
    fn drop(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // A panic is recorded in the queue.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
