//! The set against its rules alone.

mod agreement;
mod borders;
mod changes;
mod costs;
mod hostile;

use super::{Hit, Limits, Plan, RuleSet, RuleSource, Scratch};
use crate::dialect::Options;

fn sources(patterns: &[impl AsRef<str>]) -> Vec<RuleSource> {
    let source = |pattern: &str| RuleSource {
        name: pattern.to_owned(),
        pattern: pattern.to_owned(),
        options: Options::default(),
    };
    patterns
        .iter()
        .map(|pattern| source(pattern.as_ref()))
        .collect()
}

fn compile(patterns: &[impl AsRef<str>]) -> RuleSet {
    RuleSet::compile(&sources(patterns), &Limits::default()).unwrap()
}

fn scan(set: &RuleSet, plan: &Plan, scratch: &mut Scratch, block: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    set.scan(plan, scratch, block, &mut hits);
    hits
}

/// Returns the lines that are matched, with the number of the rule.
fn matched(patterns: &[&str], block: &str) -> Vec<(u32, String)> {
    let set = compile(patterns);
    scan(
        &set,
        &set.calibrate(b""),
        &mut set.scratch(),
        block.as_bytes(),
    )
    .into_iter()
    .map(|hit| {
        (
            hit.rule,
            block[hit.start as usize..hit.end as usize].to_owned(),
        )
    })
    .collect()
}
