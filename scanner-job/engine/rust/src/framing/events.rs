//! Lines of a log joined to events: those that begin one match an expression.

use std::sync::Arc;

use super::records::{Origin, Records};
use crate::matching::{Plan, RuleSet, Scratch};

/// So many bytes of lines are matched at a time.
const BLOCK_BYTES: usize = 64 * 1024;

/// Gathers lines.
pub(super) struct Events {
    starts: Arc<RuleSet>,
    plan: Option<Plan>,
    scratch: Scratch,
    block: Vec<u8>,
    /// Where each line of the block comes from, and whether it was cut.
    lines: Vec<(Origin, bool)>,
    /// The event whose end has not come yet.
    event: Vec<u8>,
    origin: Option<Origin>,
    cut: bool,
}

impl Events {
    pub(super) fn new(starts: Arc<RuleSet>) -> Self {
        Events {
            scratch: starts.scratch(),
            starts,
            plan: None,
            block: Vec::new(),
            lines: Vec::new(),
            event: Vec::new(),
            origin: None,
            cut: false,
        }
    }

    pub(super) fn push(&mut self, line: &[u8], origin: Origin, cut: bool, records: &mut Records) {
        self.block
            .extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        self.block.push(b'\n');
        self.lines.push((origin, cut));
        if self.block.len() >= BLOCK_BYTES {
            self.match_block(records);
        }
    }

    /// Ends the input: what is left of it is an event.
    pub(super) fn finish(&mut self, records: &mut Records) {
        self.match_block(records);
        self.end_event(records);
    }

    fn match_block(&mut self, records: &mut Records) {
        let block = std::mem::take(&mut self.block);
        let lines = std::mem::take(&mut self.lines);
        let starts = &self.starts;
        let plan = self.plan.get_or_insert_with(|| starts.calibrate(&block));
        let mut hits = Vec::new();
        starts.scan(plan, &mut self.scratch, &block, &mut hits);
        let mut hits = hits.iter().map(|hit| hit.start as usize).peekable();
        let mut start = 0;
        for (line, (origin, cut)) in block.split_inclusive(|byte| *byte == b'\n').zip(lines) {
            if hits.next_if_eq(&start).is_some() || self.origin.is_none() {
                self.end_event(records);
                self.origin = Some(origin);
            } else {
                self.keep(b" ", records.limit());
            }
            self.keep(&line[..line.len() - 1], records.limit());
            self.cut |= cut;
            start += line.len();
        }
        self.block = block;
        self.block.clear();
    }

    fn keep(&mut self, bytes: &[u8], limit: usize) {
        let room = limit - self.event.len().min(limit);
        self.event
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.cut |= bytes.len() > room;
    }

    fn end_event(&mut self, records: &mut Records) {
        if let Some(origin) = self.origin.take() {
            records.push(&self.event, origin, self.cut);
        }
        self.event.clear();
        self.cut = false;
    }
}
