//! What the threads search with.

use crate::matching::{Hit, Plan, RuleSet, Scratch};

/// A compiled set of expressions.
pub trait Search: Send + Sync + 'static {
    /// What to look for in a log.
    type Plan: Send + Sync;
    /// The memory of one thread.
    type Scratch: Send;

    /// Returns how many expressions there are.
    fn expressions(&self) -> usize;
    /// Chooses what to look for in a log like a sample.
    fn calibrate(&self, sample: &[u8]) -> Self::Plan;
    /// Returns the memory for one thread.
    fn scratch(&self) -> Self::Scratch;
    /// Appends the lines of a block that match, by line and then by expression.
    fn scan(
        &self,
        plan: &Self::Plan,
        scratch: &mut Self::Scratch,
        block: &[u8],
        hits: &mut Vec<Hit>,
    );
    /// Returns where in a line that an expression matches the match shows.
    fn locate(&self, scratch: &mut Self::Scratch, expression: usize, line: &[u8]) -> usize;
    /// Returns whether to choose again, since the log is no longer like the sample.
    fn is_outdated(plan: &Self::Plan, scratch: &Self::Scratch) -> bool;
    /// Returns for each expression how many lines this thread has given up.
    fn gave_up(scratch: &Self::Scratch) -> &[u64];
    /// Returns for each expression about how many seconds it adds to the scan of 1 GB of a log like a sample.
    fn costs(&self, plan: &Self::Plan, sample: &[u8]) -> Vec<f64>;
}

impl Search for RuleSet {
    type Plan = Plan;
    type Scratch = Scratch;

    fn expressions(&self) -> usize {
        self.len()
    }

    fn calibrate(&self, sample: &[u8]) -> Plan {
        self.calibrate(sample)
    }

    fn scratch(&self) -> Scratch {
        self.scratch()
    }

    fn scan(&self, plan: &Plan, scratch: &mut Scratch, block: &[u8], hits: &mut Vec<Hit>) {
        self.scan(plan, scratch, block, hits);
    }

    fn locate(&self, scratch: &mut Scratch, expression: usize, line: &[u8]) -> usize {
        RuleSet::locate(self, expression, line, scratch)
    }

    fn is_outdated(plan: &Plan, scratch: &Scratch) -> bool {
        plan.is_outdated(scratch)
    }

    fn gave_up(scratch: &Scratch) -> &[u64] {
        scratch.gave_up()
    }

    fn costs(&self, plan: &Plan, sample: &[u8]) -> Vec<f64> {
        self.costs(plan, sample)
    }
}
