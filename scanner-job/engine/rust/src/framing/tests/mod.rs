mod documents;
mod text;

use std::sync::Arc;

use super::{By, Framer, Framing};
use crate::pieces::Chunk;

/// A record with its place and the time that is known of it.
type Record = (u64, Option<i64>, Vec<u8>);

fn framing(by: By) -> Framing {
    Framing {
        by,
        ..Framing::default()
    }
}

/// Returns the records of an input that comes in pieces, and how many were cut.
fn records(framing: &Framing, input: &[u8], size: usize, limit: usize) -> (Vec<Record>, u64) {
    let mut framer = Framer::new(framing.clone(), limit);
    let mut pieces = Vec::new();
    for part in input.chunks(size) {
        let chunk: Chunk = Arc::new(part.to_vec());
        framer.push(&chunk, &mut pieces);
    }
    framer.finish(&mut pieces);
    let mut found = Vec::new();
    for piece in &pieces {
        let mut start = 0;
        for line in piece.data().split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let places = piece.places();
            found.push((places.offset(start), places.second(start), text.to_vec()));
            start += line.len();
        }
    }
    (found, framer.cut_records())
}

/// Checks the records of an input in pieces of any size.
fn check(framing: &Framing, input: &[u8], wanted: &[(u64, Option<i64>, &str)]) {
    let wanted: Vec<Record> = wanted
        .iter()
        .map(|(offset, second, text)| (*offset, *second, text.as_bytes().to_vec()))
        .collect();
    for size in (1..=input.len().min(70)).chain([input.len().max(1)]) {
        let (found, cut) = records(framing, input, size, 1000);
        let shown = String::from_utf8_lossy(input);
        assert_eq!(found, wanted, "{shown} in pieces of {size}");
        assert_eq!(cut, 0);
    }
}

fn check_content(input: &str, wanted: &[(u64, Option<i64>, &str)]) {
    check(&framing(By::Content), input.as_bytes(), wanted);
}
