//! The scan engine of logscan: many PCRE rules matched against every line of a log in one pass.

pub mod dialect;
mod literals;
pub mod matching;
mod teddy;
#[cfg(test)]
mod testing;
