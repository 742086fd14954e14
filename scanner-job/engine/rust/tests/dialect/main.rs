//! The dialect against those who define it: `grep -P` and PCRE2.

mod against_grep;
mod against_pcre;
mod grep;
mod hostile;
mod loosened;
mod one_byte;
mod random;
mod refused;
mod rule;
mod vocabulary;
