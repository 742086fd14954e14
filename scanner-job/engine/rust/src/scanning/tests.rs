use std::sync::Arc;
use std::time::Duration;

use super::{Known, Panicked, Scanner, Search, Settings};
use crate::framing::Framing;
use crate::matching::Hit;
use crate::pieces::Chunk;
use crate::tally::{Counting, Sample, Sampling};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Finds lines that begin with `x`, the later blocks sooner than the earlier ones; panics at lines that begin with `!`.
struct Slow;

impl Search for Slow {
    type Plan = ();
    type Scratch = Vec<u64>;

    fn expressions(&self) -> usize {
        1
    }

    fn calibrate(&self, _sample: &[u8]) {}

    fn scratch(&self) -> Vec<u64> {
        vec![0]
    }

    fn scan(&self, (): &(), scratch: &mut Vec<u64>, block: &[u8], hits: &mut Vec<Hit>) {
        let mut start = 0;
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            match line[0] {
                b'!' => panic!("a panic for tests"),
                b'?' => scratch[0] += 1,
                b's' => std::thread::sleep(Duration::from_millis(5)),
                b'x' => hits.push(Hit {
                    rule: 0,
                    start: start as u32,
                    end: (start + line.len() - 1) as u32,
                }),
                _ => {}
            }
            start += line.len();
        }
    }

    fn locate(&self, _scratch: &mut Vec<u64>, _expression: usize, _line: &[u8]) -> usize {
        1
    }

    fn is_outdated((): &(), _scratch: &Vec<u64>) -> bool {
        false
    }

    fn gave_up(scratch: &Vec<u64>) -> &[u64] {
        scratch
    }

    fn costs(&self, (): &(), sample: &[u8]) -> Vec<f64> {
        vec![sample.len() as f64]
    }
}

fn scanner(threads: usize) -> Scanner<Slow> {
    let rule = Counting {
        severity: 2,
        threshold: 1,
    };
    let sampling = Sampling {
        samples: 3,
        after: 2,
        line_bytes: 20,
        ..Sampling::default()
    };
    let settings = Settings {
        rules: vec![rule],
        sampling,
        framing: Framing::default(),
        reference: 0,
        max_record_bytes: 1 << 20,
        threads,
    };
    Scanner::new(Arc::new(Slow), settings, Known::default()).expect("threads start")
}

fn push(scanner: &mut Scanner<Slow>, text: String) -> Result<(), Panicked> {
    let chunk: Chunk = Arc::new(text);
    scanner.push(&chunk);
    while !scanner.wait_for_room(TIMEOUT)? {}
    Ok(())
}

/// Scans two inputs, of which the odd blocks take their time.
fn scan(threads: usize) -> (u64, u64, u64, Vec<Sample>) {
    let mut scanner = scanner(threads);
    for key in ["one", "two"] {
        scanner.begin(Some(key.into()));
        for block in 0..20 {
            let first = if block % 2 == 0 { "slow" } else { "quick" };
            let rest = (0..20_000)
                .map(|n| format!("{} {block} {n}\n", if n % 7000 == 0 { 'x' } else { '-' }));
            let text = format!("{first}\n?\n{}", rest.collect::<String>());
            push(&mut scanner, text).expect("no thread panics");
        }
    }
    scanner.finish();
    while !scanner.wait_for_all(TIMEOUT).expect("no thread panics") {}
    let mut tally = scanner.tally();
    let counts = tally.counts().clone();
    (
        counts.lines,
        counts.by_rule[0],
        counts.gave_up[0],
        tally.take_samples(),
    )
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let one = scan(1);
    assert_eq!((one.0, one.1, one.2), (800_080, 120, 40));
    assert_eq!(one.3.len(), 3 + 5);
    for threads in [2, 5] {
        assert_eq!(scan(threads), one);
    }
}

#[test]
fn a_thread_that_panics_ends_the_scan() {
    let mut scanner = scanner(2);
    scanner.begin(None);
    let panicked = (0..1000).find_map(|n| {
        let line = if n == 3 { "!\n" } else { "-\n" };
        push(&mut scanner, line.repeat(200_000)).err()
    });
    assert_eq!(panicked, Some(Panicked("a panic for tests".to_owned())));
}

#[test]
fn an_empty_log_has_no_lines() {
    let mut scanner = scanner(2);
    scanner.begin(None);
    scanner.finish();
    assert_eq!(scanner.wait_for_all(TIMEOUT), Ok(true));
    assert_eq!(scanner.tally().counts().lines, 0);
}

/// Reads a file in steps of so many bytes.
fn read(scanner: &mut Scanner<Slow>, path: &std::path::Path, step: u64) -> u64 {
    let file = std::fs::File::open(path).expect("it is there");
    let mut bytes = 0;
    loop {
        scanner.read(file.try_clone().expect("it is open"), step);
        while !scanner.wait_for_reading(TIMEOUT).expect("no thread panics") {}
        let more = scanner.end_of_reading().expect("it can be read");
        bytes += more;
        if more < step {
            return bytes;
        }
    }
}

#[test]
fn a_file_that_threads_read_is_scanned_as_if_it_was_pushed() {
    let path = std::env::temp_dir().join(format!("logscan-engine-{}", std::process::id()));
    let lines = (0..300_000).map(|n| format!("{} {n}\n", if n % 999 == 0 { 'x' } else { '-' }));
    let text = lines.collect::<String>() + "x and no newline";
    std::fs::write(&path, &text).expect("it can be written");
    let results =
        [(1, 1 << 40), (2, 1 << 40), (2, 700_001), (5, 300_000)].map(|(threads, step)| {
            let mut scanner = scanner(threads);
            scanner.begin(Some("file".into()));
            push(&mut scanner, "x pushed before, no newline: ".to_owned())
                .expect("no thread panics");
            assert_eq!(read(&mut scanner, &path, step), text.len() as u64);
            push(&mut scanner, ", pushed after\nx\n".to_owned()).expect("no thread panics");
            scanner.finish();
            while !scanner.wait_for_all(TIMEOUT).expect("no thread panics") {}
            let mut tally = scanner.tally();
            let counts = (tally.counts().lines, tally.counts().by_rule[0]);
            (counts, tally.take_samples())
        });
    std::fs::remove_file(&path).expect("it is there");
    // The first line of the file goes on what was pushed before it, and what is pushed after it goes on its last line.
    assert_eq!(results[0].0, (300_002, 301 + 2));
    for result in &results[1..] {
        assert_eq!(result, &results[0]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let mut scanner = scanner(2);
    scanner.begin(None);
    let folder = std::fs::File::open(std::env::temp_dir()).expect("a folder can be opened");
    scanner.read(folder, 1000);
    while !scanner.wait_for_reading(TIMEOUT).expect("no thread panics") {}
    assert!(scanner.end_of_reading().is_err());
    scanner.finish();
    assert_eq!(scanner.wait_for_all(TIMEOUT), Ok(true));
}

#[test]
fn a_thread_that_panics_ends_the_reading() {
    let path = std::env::temp_dir().join(format!("logscan-panics-{}", std::process::id()));
    let lines = "-\n".repeat(1 << 20);
    std::fs::write(&path, format!("{lines}!\n{lines}")).expect("it can be written");
    let mut scanner = scanner(2);
    scanner.begin(None);
    scanner.read(std::fs::File::open(&path).expect("it is there"), u64::MAX);
    let mut ended = Ok(false);
    while ended == Ok(false) {
        ended = scanner.wait_for_reading(TIMEOUT);
    }
    if ended.is_ok() {
        ended = scanner.wait_for_all(TIMEOUT);
    }
    std::fs::remove_file(&path).expect("it is there");
    assert_eq!(ended, Err(Panicked("a panic for tests".to_owned())));
}
