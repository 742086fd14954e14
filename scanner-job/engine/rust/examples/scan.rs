//! Prints how fast one thread matches a file of rules (one pattern a line) against a log: MB of log per second of CPU
//! time. With `--counts`, prints the count of each rule instead, as `grep -c` does for each pattern.
//!
//! ```console
//! $ cargo run --release --example scan -- rules.txt app.log
//! ```

use std::process::ExitCode;
use std::time::Duration;

use logscan_engine::dialect::Options;
use logscan_engine::matching::{Hit, Limits, Plan, RuleSet, RuleSource, Scratch};

const BLOCK: usize = 512 << 10;
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    let counts = paths.iter().any(|path| path == "--counts");
    paths.retain(|path| path != "--counts");
    let [rules, log] = &paths[..] else {
        eprintln!("usage: scan [--counts] RULES LOG");
        return ExitCode::FAILURE;
    };
    match (rule_set(rules), std::fs::read(log)) {
        (Ok(set), Ok(log)) if counts => print_counts(&set, &log),
        (Ok(set), Ok(log)) => print_speed(&set, &log),
        (Err(error), _) => {
            eprintln!("{rules}: {error}");
            return ExitCode::FAILURE;
        }
        (_, Err(error)) => {
            eprintln!("{log}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn rule_set(path: &str) -> Result<RuleSet, String> {
    let rules = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let sources: Vec<RuleSource> = rules
        .lines()
        .map(|pattern| RuleSource {
            name: pattern.to_owned(),
            pattern: pattern.to_owned(),
            options: Options::default(),
            fields: Vec::new(),
            excluded_by: None,
        })
        .collect();
    let begin = cpu_time();
    let set = RuleSet::compile(&sources, &Limits::default()).map_err(|error| error.to_string())?;
    eprintln!(
        "{} rules compiled in {:?}, {} KiB",
        set.len(),
        cpu_time() - begin,
        set.memory_usage() >> 10
    );
    Ok(set)
}

fn print_counts(set: &RuleSet, log: &[u8]) {
    let mut counts = vec![0_u64; set.len()];
    let (mut plan, mut scratch) = (set.calibrate(log), set.scratch());
    scan(set, &mut plan, &mut scratch, log, |hits| {
        hits.iter().for_each(|hit| counts[hit.rule as usize] += 1);
    });
    counts.iter().for_each(|count| println!("{count}"));
    let gave_up: u64 = scratch.gave_up().iter().sum();
    if gave_up > 0 {
        eprintln!("{gave_up} lines given up");
    }
}

fn print_speed(set: &RuleSet, log: &[u8]) {
    let begin = cpu_time();
    let mut plan = set.calibrate(log);
    eprintln!(
        "calibrated in {:?}: {}",
        cpu_time() - begin,
        plan.describe()
    );
    let costs = set.costs(&plan, log);
    let most = costs.iter().copied().fold(0.0, f64::max);
    eprintln!("the slowest rule takes about {most:.2} s for 1 GB");
    let mut scratch = set.scratch();
    let mut speeds = Vec::new();
    let mut matches = 0;
    for _ in 0..ROUNDS {
        let begin = cpu_time();
        matches = 0;
        scan(set, &mut plan, &mut scratch, log, |hits| {
            matches += hits.len()
        });
        speeds.push(log.len() as f64 / 1e6 / (cpu_time() - begin).as_secs_f64());
    }
    speeds.sort_by(f64::total_cmp);
    println!(
        "{:.0} MB/s of CPU time (median of {ROUNDS}; best {:.0}), {matches} matches",
        speeds[ROUNDS / 2],
        speeds[ROUNDS - 1]
    );
}

/// Scans a log in blocks of whole lines.
fn scan(
    set: &RuleSet,
    plan: &mut Plan,
    scratch: &mut Scratch,
    log: &[u8],
    mut take: impl FnMut(&[Hit]),
) {
    let (mut hits, mut at) = (Vec::new(), 0);
    while at < log.len() {
        let wanted = (at + BLOCK).min(log.len());
        let end = memchr::memrchr(b'\n', &log[at..wanted])
            .map(|n| at + n + 1)
            .or_else(|| memchr::memchr(b'\n', &log[wanted..]).map(|n| wanted + n + 1))
            .unwrap_or(log.len());
        hits.clear();
        set.scan(plan, scratch, &log[at..end], &mut hits);
        take(&hits);
        if plan.is_outdated(scratch) {
            *plan = set.calibrate(&log[at..end]);
        }
        at = end;
    }
}

/// Returns the CPU time of this process, from `/proc`, in steps of a few ms.
fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = schedstat
        .split(' ')
        .next()
        .and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
