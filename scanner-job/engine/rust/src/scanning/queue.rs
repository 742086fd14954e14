//! Jobs for the threads, and their results put back into order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Panicked;
use crate::pieces::Piece;
use crate::tally::Found;

/// Blocks to scan.
pub(super) struct Job {
    /// The key of the input that starts with it, if one does.
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

/// What a worker does next.
pub(super) enum Turn {
    /// Scan a job, which has this number.
    Scan(u64, Job),
    /// Read the next job from the file.
    Read,
}

pub(super) struct Queue {
    room: u64,
    state: Mutex<State>,
    /// There is a job, or there will be none.
    work: Condvar,
    /// A job was counted, or a thread panicked.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(u64, Job)>,
    /// Whether there is a file to read.
    reading: bool,
    put: u64,
    counted: u64,
    /// Threads that wait for work.
    idle: usize,
    /// The state that another thread waits for. Waking a thread costs as much as scanning some KiB, so it is woken only
    /// when the state is reached.
    awaited: Option<Awaited>,
    /// Whether a thread counts results.
    counting: bool,
    /// Results that wait for those before them.
    waiting: BTreeMap<u64, Done>,
    closed: bool,
    panicked: Option<Panicked>,
}

type Awaited = fn(&State, room: u64) -> bool;

impl State {
    fn next_number(&mut self) -> u64 {
        self.put += 1;
        self.put - 1
    }

    fn has_room(&self, room: u64) -> bool {
        self.put - self.counted < room
    }

    fn has_counted_all(&self, _room: u64) -> bool {
        self.put == self.counted
    }

    fn has_read_all(&self, _room: u64) -> bool {
        !self.reading
    }
}

impl Queue {
    /// Prepares for at most so many jobs that are not counted yet.
    pub(super) fn new(room: u64) -> Self {
        Queue {
            room,
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    pub(super) fn put(&self, job: Job) {
        let mut state = self.lock();
        let number = state.next_number();
        state.jobs.push_back((number, job));
        if state.idle > 0 {
            self.work.notify_one();
        }
    }

    /// Returns the number of a job that the thread which made it scans itself.
    pub(super) fn number(&self) -> u64 {
        self.lock().next_number()
    }

    /// Lets the threads read jobs from a file, until [`end_reading`](Self::end_reading).
    pub(super) fn start_reading(&self) {
        self.lock().reading = true;
        self.work.notify_all();
    }

    pub(super) fn end_reading(&self) {
        let mut state = self.lock();
        state.reading = false;
        self.report(&state);
    }

    /// Waits for the next turn; returns nothing when there will be none.
    pub(super) fn take(&self) -> Option<Turn> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some((number, job)) = state.jobs.pop_front() {
                return Some(Turn::Scan(number, job));
            }
            if state.reading && state.has_room(self.room) {
                return Some(Turn::Read);
            }
            state.idle += 1;
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
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
            self.report(&state);
            if state.reading && state.idle > 0 {
                self.work.notify_one();
            }
        }
        state.counting = false;
    }

    pub(super) fn wait_for_room(&self, timeout: Duration) -> Result<bool, Panicked> {
        self.wait(timeout, State::has_room)
    }

    pub(super) fn wait_for_all(&self, timeout: Duration) -> Result<bool, Panicked> {
        self.wait(timeout, State::has_counted_all)
    }

    pub(super) fn wait_for_reading(&self, timeout: Duration) -> Result<bool, Panicked> {
        self.wait(timeout, State::has_read_all)
    }

    /// Lets the threads end, whatever is left to do.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    /// Records that a thread panicked: no later result can be trusted.
    pub(super) fn fail(&self, panicked: Panicked) {
        let mut state = self.lock();
        state.panicked.get_or_insert(panicked);
        state.closed = true;
        self.work.notify_all();
        self.progress.notify_all();
    }

    fn wait(&self, timeout: Duration, awaited: Awaited) -> Result<bool, Panicked> {
        let mut state = self.lock();
        state.awaited = Some(awaited);
        let missing = |state: &mut State| state.panicked.is_none() && !awaited(state, self.room);
        let (mut state, _) = self
            .progress
            .wait_timeout_while(state, timeout, missing)
            .unwrap_or_else(PoisonError::into_inner);
        state.awaited = None;
        match &state.panicked {
            Some(panicked) => Err(panicked.clone()),
            None => Ok(awaited(&state, self.room)),
        }
    }

    /// Wakes the waiting thread if its state is reached.
    fn report(&self, state: &State) {
        if state
            .awaited
            .is_some_and(|awaited| awaited(state, self.room))
        {
            self.progress.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic is recorded in the state itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
