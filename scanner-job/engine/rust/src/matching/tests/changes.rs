//! Logs that become different from what the literals were chosen by.

use super::{compile, scan};

const LINES: usize = 9 << 20;

fn log(line: &str) -> Vec<u8> {
    line.as_bytes().repeat(LINES / line.len())
}

#[test]
fn literals_are_chosen_again_when_the_log_changes() {
    let set = compile(&["alpha.*omega"]);
    let (before, after) = (
        log("omega and omega, no other\n"),
        log("alpha and alpha, no other\n"),
    );
    let plan = set.calibrate(&before);
    let mut scratch = set.scratch();
    scan(&set, &plan, &mut scratch, &before);
    assert!(!plan.is_outdated(&scratch), "the log is like its sample");
    scan(&set, &plan, &mut scratch, &after);
    assert!(plan.is_outdated(&scratch), "each line holds what was rare");
    let plan = set.calibrate(&after);
    assert!(
        !plan.is_outdated(&scratch),
        "nothing was scanned with this plan"
    );
    for _ in 0..3 {
        scan(&set, &plan, &mut scratch, &after);
        assert!(
            !plan.is_outdated(&scratch),
            "the log is like its new sample"
        );
    }
}

#[test]
fn a_log_that_changes_again_and_again_is_given_ever_more_time() {
    let set = compile(&["alpha.*omega"]);
    let logs = [log("omega omega\n"), log("alpha alpha\n")];
    let (mut plan, mut scratch, mut choices) = (set.calibrate(&logs[0]), set.scratch(), 0);
    for round in 1..=16 {
        let block = &logs[round % 2];
        scan(&set, &plan, &mut scratch, block);
        if plan.is_outdated(&scratch) {
            plan = set.calibrate(block);
            choices += 1;
        }
    }
    assert!((1..=4).contains(&choices), "{choices}");
}
