//! What to look for in a log.

use super::RuleSet;

/// The choice of literals for one kind of log. It does not change: threads share it.
pub struct Plan {}

impl RuleSet {
    /// Chooses what to look for in a log like `sample`, a piece of it (256 KiB are plenty, less or none will do).
    pub fn calibrate(&self, _sample: &[u8]) -> Plan {
        Plan {}
    }
}
