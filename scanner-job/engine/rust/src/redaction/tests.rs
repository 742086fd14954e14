use super::redact;
use crate::testing::Random;

const SECRETS: [(&str, &str); 26] = [
    ("password=hunter2 next", "password=*** next"),
    (
        r#"{"db_password": "hun ter2", "a": 1}"#,
        r#"{"db_password": ***, "a": 1}"#,
    ),
    ("api_key: abcdef123456", "api_key: ***"),
    ("PWD='a b", "PWD=***"),
    ("tokentoken.of-x  =  größe; b", "tokentoken.of-x  =  ***; b"),
    (
        "Authorization: Bearer abc.def-ghi_123",
        "Authorization: Bearer ***",
    ),
    ("basic\t dXNlcjpwdw==", "basic\t ***"),
    ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
    ("ASIAIOSFODNN7EXAMPLE_x", "ASIAIOSFODNN7EXAMPLE_x"),
    (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG",
        "aws_secret_access_key = ***",
    ),
    (
        "https://user:s3cret@host/path",
        "https://user:***@host/path",
    ),
    ("https://host/path:a@b", "https://host/path:a@b"),
    ("x eyJhbGciOiJI.eyJzdWIiOiI.dozjgNryP4J3 y", "x *** y"),
    ("session-eyJhbGciOiJI.eyJzdWIiOiI.", "session-***"),
    (
        "eyJ-eyJhbGciOiJI.eyJzdWIiOiI.z eyJhbGciOiJI",
        "*** eyJhbGciOiJI",
    ),
    (
        "mail from jane.doe@example.com failed",
        "mail from *** failed",
    ),
    (
        "<a+b@mail.example.co.uk>, b@localhost",
        "<***>, b@localhost",
    ),
    (
        "a@b.example.c1 a@b.toolongforatopleveldomain",
        "***.c1 a@b.toolongforatopleveldomain",
    ),
    ("card 4111 1111 1111 1111 declined", "card *** declined"),
    ("4111-1111-1111-1111", "***"),
    (
        "4111111111111112 x4111111111111111",
        "4111111111111112 x4111111111111111",
    ),
    ("ghp_abcdefghijklmnopqrstuvwxyz012345", "***"),
    (
        "-----BEGIN RSA PRIVATE KEY-----MIIEow",
        "-----BEGIN RSA PRIVATE KEY-----***",
    ),
    (
        "-----BEGIN -----BEGIN PRIVATE KEY----- x\ny",
        "-----BEGIN -----BEGIN PRIVATE KEY-----***\ny",
    ),
    (
        "2026-11-24T08:00:00.123456Z request 1234567890123 took 5 ms",
        "2026-11-24T08:00:00.123456Z request 1234567890123 took 5 ms",
    ),
    (
        "GET /secrets HTTP/1.1 200 größe",
        "GET /secrets HTTP/1.1 200 größe",
    ),
];

#[test]
fn secrets_are_taken_out_and_the_rest_stays() {
    for (line, wanted) in SECRETS {
        assert_eq!(redact(line), wanted);
    }
}

#[test]
fn pieces_of_secrets_in_any_order_are_no_error() {
    let lines = SECRETS
        .iter()
        .map(|(line, _)| line.chars().collect::<Vec<_>>());
    let lines: Vec<Vec<char>> = lines.collect();
    let mut chance = Random::new(7);
    for _ in 0..20_000 {
        let line: String = (0..chance.below(12))
            .flat_map(|_| {
                let line = &lines[chance.below(lines.len())];
                let start = chance.below(line.len());
                line[start..start + chance.below(line.len() - start + 1)].to_vec()
            })
            .collect();
        let once = redact(&line).into_owned();
        assert!(once.chars().all(|c| c == '*' || line.contains(c)), "{line}");
    }
}

/// Lines of which every place may begin a secret that never comes: where time were the square of the size, this would
/// not end.
#[test]
fn a_long_line_of_beginnings() {
    let beginnings = [
        "eyJ-",
        "eyJaaaaaaaa.",
        "a@",
        "a.",
        "a@a.",
        "1 ",
        "4111 ",
        "secret",
        "pwd\"",
        "token: ",
        "://a:",
        "://",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "AKIA",
        "AKIA ",
        "bearer ",
        "bearer",
        "sk-",
        "sk- ",
        "ghp_a ",
        "\"",
        "@",
        ".",
        " ",
    ];
    for beginning in beginnings {
        let line = beginning.repeat((4 << 20) / beginning.len());
        assert!(!redact(&line).is_empty());
    }
}
