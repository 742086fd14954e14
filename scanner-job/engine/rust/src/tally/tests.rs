use super::{Around, Block, Counting, Found, Sample, Sampling, Tally};
use crate::matching::Hit;
use crate::pieces::Places;

const ERROR: Counting = Counting {
    severity: 2,
    threshold: 1,
};

/// Returns the hits of words, each of which stands for an expression.
fn hits(block: &[u8], words: &[&str]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut start = 0;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        for (rule, word) in words.iter().enumerate() {
            if text
                .windows(word.len())
                .any(|window| window == word.as_bytes())
            {
                hits.push(Hit {
                    rule: rule as u32,
                    start: start as u32,
                    end: (start + text.len()) as u32,
                });
            }
        }
        start += line.len();
    }
    hits
}

/// Returns where the first occurrence of a word ends.
fn end_of(line: &[u8], word: &str) -> usize {
    let mut windows = line.windows(word.len());
    windows
        .position(|window| window == word.as_bytes())
        .map_or(0, |at| at + word.len())
}

/// Takes a text in blocks of so many lines.
fn tally(text: &str, words: &[&str], rules: &[Counting], sampling: Sampling, cut: usize) -> Tally {
    let mut tally = Tally::new(rules.to_vec(), words.len(), sampling);
    tally.begin(None);
    let lines: Vec<&[u8]> = text
        .as_bytes()
        .split_inclusive(|byte| *byte == b'\n')
        .collect();
    let mut offset = 0;
    for block in lines.chunks(cut) {
        let data = block.concat();
        let mut found = Found::of(block.len() as u64);
        let mut start = 0;
        for part in block.chunks(2) {
            let part = part.concat();
            found.add(&part, start, &hits(&part, words), 0, Places::default());
            start += part.len();
        }
        tally.add(
            Block {
                data: &data,
                places: Places { offset, marks: &[] },
            },
            &found,
            &mut |rule, line| end_of(line, words[rule as usize]),
        );
        offset += data.len() as u64;
    }
    tally.finish();
    tally
}

#[test]
fn a_line_counts_once_for_each_severity() {
    let warning = Counting {
        severity: 1,
        ..ERROR
    };
    let tally = tally(
        "ab\na\nbc\nx\nc",
        &["a", "b", "c"],
        &[ERROR, ERROR, warning],
        Sampling::default(),
        2,
    );
    let counts = tally.counts();
    assert_eq!(counts.by_rule, [2, 2, 2]);
    assert_eq!(counts.by_severity, [0, 2, 3, 0]);
    assert_eq!((counts.matched, counts.lines), (4, 5));
}

#[test]
fn lines_below_a_threshold_count_for_their_rule_alone() {
    let third = Counting {
        threshold: 3,
        ..ERROR
    };
    let tally = tally("a\na\na\na\n", &["a"], &[third], Sampling::default(), 1);
    let counts = tally.counts();
    assert_eq!((counts.by_rule[0], counts.matched), (4, 2));
}

#[test]
fn samples_and_the_lines_around_them_do_not_depend_on_the_cut() {
    let text: String = (0..60).map(|n| format!("{n} {}\r\n", n % 3)).collect();
    let sampling = Sampling {
        samples: 2,
        findings: 5,
        before: 2,
        after: 3,
        line_bytes: 4,
    };
    let samples = |cut| tally(&text, &[" 0", "5"], &[ERROR, ERROR], sampling, cut).take_samples();
    let whole = samples(60);
    for cut in 1..20 {
        assert_eq!(samples(cut), whole, "cut {cut}");
    }
    let nth: Vec<u64> = whole
        .iter()
        .filter(|s| s.rule == 0)
        .map(|s| s.nth)
        .collect();
    assert_eq!(nth, [1, 2, 3, 4, 5, 8, 16]);
    let around = |lines: [&str; 2], after: [&str; 3]| {
        Some(Around {
            before: lines.map(|line| line.as_bytes().to_vec()).to_vec(),
            after: after.into_iter().collect(),
        })
    };
    let expected = Sample {
        rule: 0,
        nth: 2,
        number: 4,
        offset: 15,
        key: None,
        text: (*b"3 0\r").into(),
        start: 0,
        shown: 3,
        around: around(["1 1", "2 2"], ["4 1", "5 2", "6 0"]),
    };
    let second = whole.into_iter().find(|s| (s.rule, s.nth) == (0, 2));
    assert_eq!(second, Some(expected));
}

#[test]
fn the_part_of_a_long_line_that_is_kept_has_the_match() {
    let sampling = Sampling {
        samples: 1,
        line_bytes: 16,
        ..Sampling::default()
    };
    for (before, after) in [(0, 0), (0, 30), (30, 0), (30, 30), (3, 30), (12, 5)] {
        for letter in ["a", "ä", "€", "😀"] {
            let text = format!("{}hit{}", letter.repeat(before), letter.repeat(after));
            let found = tally(&text, &["hit"], &[ERROR], sampling, 1).take_samples();
            let sample = &found[0];
            assert!(text.as_bytes()[sample.start..].starts_with(&sample.text));
            assert!(sample.text[..sample.shown].ends_with(b"hit"), "{text}");
            assert_eq!(
                sample.text.len(),
                text.len().min(16).min(text.len() - sample.start)
            );
            assert!(text.is_char_boundary(sample.start), "{text}");
        }
    }
}

#[test]
fn lines_after_a_sample_are_many_if_they_are_short() {
    let sampling = Sampling {
        samples: 1,
        after: 30,
        line_bytes: 10,
        ..Sampling::default()
    };
    for (line, lines) in [("y", 30), ("0123456789", 12), ("0123456789 0123456789", 12)] {
        let text = format!("x\n{}", format!("{line}\n").repeat(50));
        for cut in [1, 7, 100] {
            let found = tally(&text, &["x"], &[ERROR], sampling, cut).take_samples();
            let after = found[0].around.as_ref().map(|around| around.after.count());
            assert_eq!(after, Some(lines), "{line}, cut {cut}");
        }
    }
}
