//! Jobs for the threads, and their results put back into order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Broken;
use crate::cutting::Piece;
use crate::tally::Found;

/// Blocks to scan.
pub(super) struct Job {
    /// The place of the input that begins with it, if one does.
    pub begins: Option<Option<Arc<str>>>,
    pub pieces: Vec<Piece>,
}

/// A job that was scanned.
pub(super) struct Done {
    pub job: Job,
    /// What was found in each piece.
    pub found: Vec<Found>,
    /// Expressions, and how many lines of each were given up.
    pub gave_up: Vec<(usize, u64)>,
}

pub(super) struct Queue {
    room: usize,
    state: Mutex<State>,
    /// There is a job, or there will be none.
    work: Condvar,
    /// A job was counted, or a thread broke.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(u64, Job)>,
    put: u64,
    counted: u64,
    /// Whether a thread counts results.
    counting: bool,
    /// Results that wait for those before them.
    waiting: BTreeMap<u64, Done>,
    closed: bool,
    broken: Option<Broken>,
}

impl Queue {
    /// Prepares for at most so many jobs that are not counted yet.
    pub(super) fn new(room: usize) -> Self {
        Queue {
            room,
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    pub(super) fn put(&self, job: Job) {
        let mut state = self.lock();
        let number = state.put;
        state.put += 1;
        state.jobs.push_back((number, job));
        self.work.notify_one();
    }

    /// Waits for the next job; returns nothing when there will be none.
    pub(super) fn take(&self) -> Option<(u64, Job)> {
        let idle = |state: &mut State| state.jobs.is_empty() && !state.closed;
        let mut state = self
            .work
            .wait_while(self.lock(), idle)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        state.jobs.pop_front()
    }

    /// Takes a result, and has all results counted that nothing before is missing of, unless another thread does.
    pub(super) fn done(&self, number: u64, done: Done, mut count: impl FnMut(Done)) {
        let mut state = self.lock();
        state.waiting.insert(number, done);
        if state.counting {
            return;
        }
        state.counting = true;
        while let Some(next) = {
            let number = state.counted;
            state.waiting.remove(&number)
        } {
            drop(state);
            count(next);
            state = self.lock();
            state.counted += 1;
            self.progress.notify_all();
        }
        state.counting = false;
    }

    pub(super) fn wait_for_room(&self, patience: Duration) -> Result<bool, Broken> {
        self.wait(patience, |state| {
            state.put - state.counted < self.room as u64
        })
    }

    pub(super) fn wait_for_all(&self, patience: Duration) -> Result<bool, Broken> {
        self.wait(patience, |state| state.put == state.counted)
    }

    /// Lets the threads end, whatever is left to do.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    /// Notes that a thread broke: nothing after that is to be trusted.
    pub(super) fn fail(&self, broken: Broken) {
        let mut state = self.lock();
        state.broken.get_or_insert(broken);
        state.closed = true;
        self.work.notify_all();
        self.progress.notify_all();
    }

    fn wait(&self, patience: Duration, reached: impl Fn(&State) -> bool) -> Result<bool, Broken> {
        let missing = |state: &mut State| state.broken.is_none() && !reached(state);
        let (state, _) = self
            .progress
            .wait_timeout_while(self.lock(), patience, missing)
            .unwrap_or_else(PoisonError::into_inner);
        match &state.broken {
            Some(broken) => Err(broken.clone()),
            None => Ok(reached(&state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What broke is noted in the state itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
