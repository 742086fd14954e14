//! Why a rule was refused.

use std::fmt;

/// An expression that a rule cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where in the expression, in bytes from 0.
    pub offset: usize,
    /// A sentence that names the construct and its place.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
