//! A log scanned by several threads.
//!
//! Whoever reads the log pushes it in chunks. Their blocks of lines wait in a queue, from which whichever thread is free
//! takes the next; what it found waits until everything before it was counted. So results come as if one thread had done
//! it all, and no thread waits for another.

mod queue;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cutting::{Chunk, Cutter, Piece};
use crate::matching::{Hit, Plan, RuleSet};
use crate::tally::{Counting, Sampling, Tally};
use queue::{Job, Queue};

/// Blocks are gathered up to so many bytes, so that small chunks cost no more than large ones.
const JOB_BYTES: usize = 256 * 1024;

/// The engine broke; the message says how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// What to scan with.
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
