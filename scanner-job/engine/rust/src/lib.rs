//! The scan engine of logscan: many PCRE rules matched against every line of a log in one pass.

mod ansi;
pub mod clock;
pub mod conditions;
pub mod cutting;
pub mod dialect;
pub mod framing;
mod literals;
pub mod matching;
pub mod pieces;
#[cfg(feature = "python")]
mod python;
pub mod redaction;
pub mod scanning;
pub mod tally;
mod teddy;
#[cfg(test)]
mod testing;
pub mod unpacking;
