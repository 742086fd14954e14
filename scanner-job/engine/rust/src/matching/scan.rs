//! A block of lines matched.

use super::{Hit, Plan, RuleSet, Scratch};

impl RuleSet {
    /// Appends to `hits` each line of `block` that a rule matches, once for each such rule, by line and then by rule.
    ///
    /// `block` holds whole lines; the last may lack its newline. `scratch` is one of this set.
    ///
    /// # Panics
    /// If `block` is 4 GiB or larger.
    pub fn scan(&self, _plan: &Plan, scratch: &mut Scratch, block: &[u8], hits: &mut Vec<Hit>) {
        assert!(
            u32::try_from(block.len()).is_ok(),
            "a block is smaller than 4 GiB"
        );
        self.scan_every_line(scratch, block, hits);
    }
}
