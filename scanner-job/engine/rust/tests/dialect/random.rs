//! Random rules of the dialect, and lines on which they have something to find.

use crate::vocabulary::{GROUPS, MEMBERS, ODD, PLACES, SETS, SIGNS, UNSURE, WORDS};

/// Numbers from a seed, the same on every machine (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A number that whoever runs the tests may choose.
pub fn from_environment(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number"))
    })
}

/// A line without its newline, at times with odd bytes.
pub fn line(random: &mut Random) -> Vec<u8> {
    let mut line = Vec::new();
    if random.chance(50) {
        line.extend(b"2026-11-24 10:00:00,123 ");
    }
    for _ in 0..random.below(9) {
        line.extend(random.pick(WORDS).bytes());
        if random.chance(60) {
            line.extend(
                random
                    .pick(&[" ", " ", ":", "\t", "=", ".", "/", "\r", "\u{b}", "\u{a0}"])
                    .bytes(),
            );
        }
        if random.chance(6) {
            line.push(random.pick(&[
                0x00, 0x07, 0x0c, 0x1b, 0x7f, 0x80, 0x85, 0xa0, 0xc3, 0xe9, 0xff,
            ]));
        }
    }
    line
}

/// A rule of at most a few levels of groups.
pub fn rule(random: &mut Random) -> String {
    let mut rule = String::new();
    if random.chance(10) {
        rule.push_str(random.pick(&[
            "(?i)", "(?x)", "(?xx)", "(?s)", "(?m)", "(?n)", "(?U)", "(?J)", "(?^)", "(?im-s)",
        ]));
    }
    alternatives(random, 3, &mut rule);
    rule
}

/// Signs of the syntax in any order: seldom a rule, often nearly one.
pub fn soup(random: &mut Random) -> String {
    (0..1 + random.below(9))
        .map(|_| random.pick(SIGNS))
        .collect()
}

fn alternatives(random: &mut Random, depth: usize, rule: &mut String) {
    for branch in 0..1 + random.below(6) / 4 {
        if branch > 0 {
            rule.push('|');
        }
        for _ in 0..random.below(5) {
            item(random, depth, rule);
        }
    }
}

fn item(random: &mut Random, depth: usize, rule: &mut String) {
    match random.below(100) {
        0..25 => rule.push_str(&escaped(random.pick(WORDS))),
        25..45 => rule.push_str(random.pick(SETS)),
        45..58 => class(random, rule),
        58..64 => rule.push_str(random.pick(PLACES)),
        64..70 => rule.push_str(random.pick(ODD)),
        70..74 => rule.push_str(random.pick(UNSURE)),
        _ if depth == 0 => rule.push_str(random.pick(&["ERROR", "a", "k"])),
        _ => group(random, depth, rule),
    }
    if random.chance(35) {
        rule.push_str(random.pick(&["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "{0}"]));
        if random.chance(25) {
            rule.push_str(random.pick(&["?", "?", "+"]));
        }
    }
}

fn group(random: &mut Random, depth: usize, rule: &mut String) {
    rule.push_str(random.pick(GROUPS));
    alternatives(random, depth - 1, rule);
    rule.push(')');
}

fn class(random: &mut Random, rule: &mut String) {
    rule.push_str(random.pick(&["[", "[", "[^", "[]", "[^]", "[^^"]));
    for _ in 0..1 + random.below(4) {
        rule.push_str(random.pick(MEMBERS));
    }
    rule.push(']');
}

fn escaped(word: &str) -> String {
    word.chars()
        .flat_map(|c| {
            "[]{}().\\"
                .contains(c)
                .then_some('\\')
                .into_iter()
                .chain([c])
        })
        .collect()
}
