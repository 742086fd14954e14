//! Conditions on the fields of JSON records: `level` is `error` or `fatal`, `status` is at least 500.
//!
//! A record is read once, however many rules have conditions, and only if some rule's literals are in it
//! ([`literals`]). It is read to its end: what is not JSON fulfils no condition. Time is linear in the record and memory
//! is bounded, whatever the record nests or repeats.
//!
//! A record is JSON as RFC 8259 has it, with three liberties: strings may hold any byte but a quote and a backslash,
//! since programs write control characters and text that is not UTF-8; `NaN` and `Infinity` are values, since Python
//! writes them; and a name may come twice in an object, where each of its values counts.

mod decimals;
mod literals;
mod paths;
mod reader;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod visit;

pub(crate) use literals::sets_of;
pub(crate) use table::{Conditions, Evaluation};
pub(crate) use texts::Condition;

/// A field of a record and what it must be, as a rule's author wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Names separated by dots, from the outermost object on. A name that has dots itself is written as it is.
    pub path: String,
    /// What the value may be, see `docs/rules.md`.
    pub values: Vec<String>,
}
