//! From what is read to jobs, in the order of the log.
//!
//! A log comes in one of two ways. A caller that has its bytes pushes them. Or it is in a file: then the next free thread
//! reads a block and scans it at once, while the block is in its processor's cache. That needs no reading thread, which
//! would share the processors with those that scan, and buffers are reused: copying from the page cache into new memory
//! costs twice as much, as each new page is a page fault.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::queue::Job;
use crate::framing::{Framer, Framing};
use crate::pieces::{Chunk, Piece};

/// Blocks are gathered up to so many bytes, so that small chunks cost no more than large ones.
const JOB_BYTES: usize = 256 * 1024;
/// Bytes that are read of a file at a time: they stay in a processor's own cache until they are scanned.
const READ_BYTES: usize = 256 * 1024;

/// What has come of the log, and is not yet a job.
pub(super) struct Intake {
    framer: Framer,
    pieces: Vec<Piece>,
    bytes: u64,
    /// What the next job begins with, if with another input.
    begins: Option<Option<Arc<str>>>,
    reading: Option<Reading>,
    /// How the last reading ended: how many bytes there were.
    read: io::Result<u64>,
    buffers: Arc<Buffers>,
}

/// A file that the threads read.
struct Reading {
    file: File,
    /// Bytes that were read.
    bytes: u64,
    /// Bytes that are read at most.
    most: u64,
}

impl Intake {
    pub(super) fn new(framing: Framing, max_record_bytes: usize) -> Self {
        Intake {
            framer: Framer::new(framing, max_record_bytes),
            pieces: Vec::new(),
            bytes: 0,
            begins: Some(None),
            reading: None,
            read: Ok(0),
            buffers: Arc::default(),
        }
    }

    /// Begins another input; returns what is left of the last one.
    pub(super) fn begin(&mut self, key: Option<Arc<str>>) -> Option<Job> {
        self.framer.finish(&mut self.pieces);
        let job = self.job();
        self.begins = Some(key);
        job
    }

    /// Takes the next chunk of the input; returns a job once there is enough for one.
    pub(super) fn push(&mut self, chunk: &Chunk) -> Option<Job> {
        self.bytes += (**chunk).as_ref().len() as u64;
        self.framer.push(chunk, &mut self.pieces);
        let gathered: usize = self.pieces.iter().map(|piece| piece.data().len()).sum();
        if gathered < JOB_BYTES {
            return None;
        }
        self.job()
    }

    /// Lets [`read`](Self::read) take the next bytes of the input from a file.
    pub(super) fn start_reading(&mut self, file: File, most: u64) {
        self.reading = Some(Reading {
            file,
            bytes: 0,
            most,
        });
    }

    /// Reads until there is enough for a job; returns nothing at the end of what is to be read.
    pub(super) fn read(&mut self) -> Option<Job> {
        loop {
            let reading = self.reading.as_mut()?;
            let mut buffer = self.buffers.take();
            match reading.fill(&mut buffer) {
                Ok(0) => self.read = Ok(reading.bytes),
                Ok(_) => {
                    let chunk: Chunk = Arc::new(buffer);
                    match self.push(&chunk) {
                        Some(job) => return Some(job),
                        None => continue,
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.read = Err(error),
            }
            self.reading = None;
        }
    }

    /// Returns how the last reading ended.
    pub(super) fn end_of_reading(&mut self) -> io::Result<u64> {
        std::mem::replace(&mut self.read, Ok(0))
    }

    /// Returns the bytes of all chunks.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns how many lines were longer than the limit.
    pub(super) fn cut_records(&self) -> u64 {
        self.framer.cut_records()
    }

    fn job(&mut self) -> Option<Job> {
        let pieces = std::mem::take(&mut self.pieces);
        (!pieces.is_empty()).then(|| Job {
            begins: self.begins.take(),
            pieces,
        })
    }
}

impl Reading {
    fn fill(&mut self, buffer: &mut Buffer) -> io::Result<usize> {
        let room = usize::try_from(self.most - self.bytes).unwrap_or(READ_BYTES);
        buffer.length = self.file.read(&mut buffer.bytes[..room.min(READ_BYTES)])?;
        self.bytes += buffer.length as u64;
        Ok(buffer.length)
    }
}

/// Memory that was read into before.
#[derive(Default)]
struct Buffers(Mutex<Vec<Box<[u8]>>>);

impl Buffers {
    fn take(self: &Arc<Self>) -> Buffer {
        let used = self.lock().pop();
        Buffer {
            bytes: used.unwrap_or_else(|| vec![0; READ_BYTES].into_boxed_slice()),
            length: 0,
            buffers: self.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Box<[u8]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that were read; their memory is used again once nobody needs them.
struct Buffer {
    bytes: Box<[u8]>,
    length: usize,
    buffers: Arc<Buffers>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.buffers.lock().push(bytes);
    }
}
