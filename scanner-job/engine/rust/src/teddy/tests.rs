use super::{Fingerprint, Instructions, MOST_GROUPS, Teddy, WINDOW};
use crate::testing::Random;

const MASKS: [u8; 4] = [0xFF, 0xFF, 0xDF, 0xF0];

/// Few different bytes, so that much is met and much overlaps.
fn data(random: &mut Random, size: usize) -> Vec<u8> {
    (0..size)
        .map(|_| b"abAB01 \n\x8a\xca"[random.below(10)])
        .collect()
}

fn fingerprint(random: &mut Random) -> Fingerprint {
    let length = 1 + random.below(WINDOW);
    let mut made = Fingerprint {
        bytes: [0; WINDOW],
        masks: [0; WINDOW],
    };
    let text = data(random, length);
    for (place, byte) in text.into_iter().enumerate() {
        made.masks[place] = MASKS[random.below(MASKS.len())];
        made.bytes[place] = byte & made.masks[place];
    }
    made
}

fn begins(fingerprint: &Fingerprint, data: &[u8]) -> bool {
    let met = |n: usize| data.get(n).unwrap_or(&0) & fingerprint.masks[n] == fingerprint.bytes[n];
    (0..WINDOW).all(met)
}

fn candidates(teddy: &Teddy, data: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    teddy.find(data, |place, window| {
        let mut bytes = data[place..].to_vec();
        bytes.resize(WINDOW.max(bytes.len()), 0);
        assert_eq!(window.to_le_bytes(), bytes[..WINDOW]);
        found.push(place);
    });
    found
}

#[test]
fn every_place_is_a_candidate_whatever_the_instructions() {
    let mut random = Random::new(1);
    for round in 0..300 {
        // More than are put together one by one, now and then.
        let most = if round % 50 == 0 { 1500 } else { 70 };
        let prints: Vec<_> = (0..1 + random.below(most))
            .map(|_| fingerprint(&mut random))
            .collect();
        let size = if round % 3 == 0 {
            random.below(1000)
        } else {
            random.below(100)
        };
        let data = data(&mut random, size);
        let choices: Vec<usize> = (1..=MOST_GROUPS).rev().collect();
        let [frequency] = [[1.0 / 256.0; 256]];
        let found: Vec<Vec<Vec<usize>>> = Instructions::available()
            .into_iter()
            .map(|instructions| {
                let all = Teddy::choices(&prints, &choices, &frequency, instructions);
                all.iter().map(|teddy| candidates(teddy, &data)).collect()
            })
            .collect();
        for others in &found[1..] {
            assert_eq!(&found[0], others, "round {round}");
        }
        for candidates in &found[0] {
            let places =
                (0..data.len()).filter(|&at| prints.iter().any(|print| begins(print, &data[at..])));
            for place in places {
                assert!(
                    candidates.binary_search(&place).is_ok(),
                    "round {round}: {place} is missing"
                );
            }
        }
    }
}

#[test]
fn more_fingerprints_than_buckets_find_few_places_in_ordinary_text() {
    let text = include_bytes!("../matching/ordinary.log");
    let mut frequency = [0.0; 256];
    text.iter()
        .for_each(|&byte| frequency[usize::from(byte)] += 1.0 / text.len() as f32);
    let mut random = Random::new(2);
    let prints: Vec<Fingerprint> = (0..300)
        .map(|_| Fingerprint {
            bytes: std::array::from_fn(|_| b'A' + random.below(26) as u8),
            masks: [0xFF; WINDOW],
        })
        .collect();
    let teddy = &Teddy::choices(&prints, &[MOST_GROUPS], &frequency, Instructions::Portable)[0];
    let share = candidates(teddy, text).len() as f32 / text.len() as f32;
    assert!(share < 0.02, "{share}");
}
