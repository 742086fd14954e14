use super::{redact, tokens};
use crate::testing::Random;

const SECRETS: &[(&str, &str)] = &[
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
    (
        "creds AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY rejected",
        "creds *** *** rejected",
    ),
    (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG",
        "aws_secret_access_key = ***",
    ),
    ("aws_session_token=FwoGZXIvYXdzE", "aws_session_token=***"),
    (
        "https://user:s3cret@host/path",
        "https://user:***@host/path",
    ),
    ("https://host/path:a@b", "https://host/path:a@b"),
    (
        "postgres://app:p@ss@db:5432/app",
        "postgres://app:***@db:5432/app",
    ),
    ("amqp://app:pa/ss99@mq:5672/", "amqp://app:***@mq:5672/"),
    (
        "redis://:s3cretpw@cache:6379/0",
        "redis://:***@cache:6379/0",
    ),
    (
        "clone https://0123456789abcdef0123@h/a.git",
        "clone https://***@h/a.git",
    ),
    (
        "https://example.com:8080/users?x=1",
        "https://example.com:8080/users?x=1",
    ),
    (
        "jdbc:oracle:thin:bob/hunter22@db:1521:x",
        "jdbc:oracle:thin:bob/***@db:1521:x",
    ),
    ("x eyJhbGciOiJI.eyJzdWIiOiI.dozjgNryP4J3 y", "x *** y"),
    ("session-eyJhbGciOiJI.eyJzdWIiOiI.", "session-***"),
    (
        "mail from jane.doe@example.com failed",
        "mail from *** failed",
    ),
    (
        "<a+b@mail.example.co.uk>, b@localhost",
        "<***>, b@localhost",
    ),
    ("to bob@exämple.de bounced", "to *** bounced"),
    ("GET /u?email=bob%40example.com&x=1", "GET /u?email=***&x=1"),
    (
        "clone git@github.com:org/repo",
        "clone git@github.com:org/repo",
    ),
    ("card 4111 1111 1111 1111 declined", "card *** declined"),
    ("4111-1111-1111-1111", "***"),
    ("4111.1111.1111.1111", "***"),
    ("declined card 4111111111111111.", "declined card ***."),
    (r#"{"pan":"378282246310005"}"#, r#"{"pan":"***"}"#),
    ("card 3782 822463 10005", "card ***"),
    ("pan=4111111111111111&cvv=123", "pan=***&cvv=***"),
    (
        "4111111111111112 x4111111111111111",
        "4111111111111112 x4111111111111111",
    ),
    (
        "at 1764000000000 id 1234567812345670",
        "at 1764000000000 id 1234567812345670",
    ),
    (
        "2 123456789010 443 49153 6 20 4249 1418530010",
        "2 123456789010 443 49153 6 20 4249 1418530010",
    ),
    ("sent OTP 493021 to user", "sent OTP *** to user"),
    ("ssn 078-05-1120", "ssn ***"),
    ("ghp_abcdefghijklmnopqrstuvwxyz012345", "***"),
    (
        "registering runner glrt-abcdefghij1234567890",
        "registering runner ***",
    ),
    (
        "stripe rk_live_abcdefghijklmnop1234 sk_test_abcdefghijklmnop1234",
        "stripe *** ***",
    ),
    ("AIzaabcdefghijklmnopqrstuvwxyz012345678 over", "*** over"),
    ("oauth ya29.a0AfH6SMBexampleexampleexample", "oauth ***"),
    ("mail SG.abcdefghijklmnop.qrstuvwxyz0123456789", "mail ***"),
    ("twilio SK0123456789abcdef0123456789abcdef", "twilio ***"),
    ("upload pypi-AgEIcHlwaS5vcmcCJGFiY2RlZg", "upload ***"),
    ("vault login hvs.CAESIabcdefghijklmnop", "vault login ***"),
    (
        "docker login dckr_pat_abcdefghijklmnopqrst",
        "docker login ***",
    ),
    (
        "digitalocean dop_v1_0123456789abcdef0123456789abcdef",
        "digitalocean ***",
    ),
    (
        "https://api.telegram.org/bot123456789:AAabcdefghijklmnopqrstuvwxyz0123456/sendMessage",
        "https://api.telegram.org/bot***/sendMessage",
    ),
    (
        "POST https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX 404",
        "POST *** 404",
    ),
    (
        "-----BEGIN RSA PRIVATE KEY-----MIIEow",
        "-----BEGIN RSA PRIVATE KEY-----***",
    ),
    (
        "-----BEGIN -----BEGIN PRIVATE KEY----- x\ny",
        "-----BEGIN -----BEGIN PRIVATE KEY-----***\ny",
    ),
    (
        "    MIIEowIBAAKCAQEA0000000000000000000000000000000000000000",
        "    ***",
    ),
    ("  tls.key: c2VjcmV0c2VjcmV0c2VjcmV0", "  tls.key: ***"),
    ("secret data: c2VjcmV0c2VjcmV0", "secret data: ***"),
    (
        "GET https://b/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE&X-Amz-Signature=4f5c1d2e3b6a7988",
        "GET https://b/k?X-Amz-Credential=***&X-Amz-Signature=***",
    ),
    ("c?sv=2020&sig=abc%2Bdef%3D", "c?sv=2020&sig=***"),
    (
        "SignedHeaders=host, Signature=fe5f80f77d5fa3be",
        "SignedHeaders=host, Signature=***",
    ),
    (
        "Authorization: Token 0123456789abcdef0123",
        "Authorization: Token ***",
    ),
    ("x-api-key: abcdef0123456789", "x-api-key: ***"),
    (
        "Cookie: connect.sid=s%3Aabcdef0123456789; path=/",
        "Cookie: ***",
    ),
    (
        "Set-Cookie: JSESSIONID=0123456789ABCDEF0123; HttpOnly",
        "Set-Cookie: ***",
    ),
    (
        r#"{"log":"ERROR {\"user\":\"bob\",\"password\":\"hunter22\"}\n","stream":"stderr"}"#,
        r#"{"log":"ERROR {\"user\":\"bob\",\"password\":***}\n","stream":"stderr"}"#,
    ),
    (
        r#"body="{\"refresh_token\":\"tok12345678\"}""#,
        r#"body="{\"refresh_token\":***}""#,
    ),
    (r#"{"password":"hun\"ter22secret"}"#, r#"{"password":***}"#),
    (
        r#"\\\"password\\\": \\\"hunter22\\\", x"#,
        r#"\\\"password\\\": ***, x"#,
    ),
    ("password: correct horse battery", "password: ***"),
    ("password: hunter22 user=bob", "password: *** user=bob"),
    (
        "GET /login?user=bob&password=hunter22&x=1",
        "GET /login?user=bob&password=***&x=1",
    ),
    ("db_pass=hunter22", "db_pass=***"),
    ("DB_PASS=hunter22 DB_HOST=x", "DB_PASS=*** DB_HOST=x"),
    ("passphrase: hunter22", "passphrase: ***"),
    ("Passwort: hunter22", "Passwort: ***"),
    (
        "mysqldump --user root --password hunter22 db",
        "mysqldump --user root --password *** db",
    ),
    ("mysql -uroot -phunter22 db", "mysql -uroot -p*** db"),
    (
        "curl -u bob:hunter22 https://x",
        "curl -u bob:*** https://x",
    ),
    (
        "kubeadm join --token abcdef.0123456789abcdef",
        "kubeadm join --token ***",
    ),
    (
        "CREATE USER bob IDENTIFIED BY 'hunter22'",
        "CREATE USER bob IDENTIFIED BY ***",
    ),
    (
        "ALTER ROLE bob WITH PASSWORD 'hunter22'",
        "ALTER ROLE bob WITH PASSWORD ***",
    ),
    (
        "{'user': 'bob', 'password': 'hunter22'}",
        "{'user': 'bob', 'password': ***}",
    ),
    (
        r#"Parameters: {"password"=>"hunter22"}"#,
        r#"Parameters: {"password"=>***}"#,
    ),
    (
        "Array ( [user] => bob [password] => hunter22 )",
        "Array ( [user] => bob [password] => *** )",
    ),
    (
        "cfg={User:bob Password:hunter22}",
        "cfg={User:bob Password:***}",
    ),
    (
        "<user>bob</user><password>hunter22</password>",
        "<user>bob</user><password>***</password>",
    ),
    ("password -> hunter22", "password -> ***"),
    ("User(name=bob, pwd=hunter22)", "User(name=bob, pwd=***"),
    (
        "Server=db;User Id=sa;Password=hunter22;",
        "Server=db;User Id=sa;Password=***;",
    ),
    (
        "AccountName=x;AccountKey=abcdEFGHijkl0123456789==;",
        "AccountName=x;AccountKey=***;",
    ),
    // Harmless.
    ("tokens: 512 max_tokens=4096", "tokens: 512 max_tokens=4096"),
    ("Unexpected token: < in JSON", "Unexpected token: < in JSON"),
    (
        "SyntaxError: Unexpected token: foo",
        "SyntaxError: Unexpected token: foo",
    ),
    (
        "basic authentication required",
        "basic authentication required",
    ),
    ("Bearer authentication", "Bearer authentication"),
    ("token_type=Bearer", "token_type=Bearer"),
    (
        "password: must be at least 8 characters",
        "password: must be at least 8 characters",
    ),
    (
        "TTY=pts/0 ; PWD=/home/bob ; USER=root",
        "TTY=pts/0 ; PWD=/home/bob ; USER=root",
    ),
    (r#"{"password":null}"#, r#"{"password":null}"#),
    ("password: [REDACTED]", "password: [REDACTED]"),
    (
        "secret: true, secretName: db",
        "secret: true, secretName: db",
    ),
    (
        "passwd: password for 'bob' changed by 'root'",
        "passwd: password for 'bob' changed by 'root'",
    ),
    ("password=${DB_PASSWORD}", "password=${DB_PASSWORD}"),
    (
        "bypass=yes passed: 12 passengers: 7",
        "bypass=yes passed: 12 passengers: 7",
    ),
    ("the token is here", "the token is here"),
    (
        "commit 0123456789abcdef0123456789abcdef01234567",
        "commit 0123456789abcdef0123456789abcdef01234567",
    ),
    ("postgres://app:xxxxx@db/app", "postgres://app:xxxxx@db/app"),
    (
        "password reset requested for user 17",
        "password reset requested for user 17",
    ),
    (
        "2026-11-24T08:00:00.123456Z request 1234567890123 took 5 ms",
        "2026-11-24T08:00:00.123456Z request 1234567890123 took 5 ms",
    ),
    (
        "GET /secrets HTTP/1.1 200 größe",
        "GET /secrets HTTP/1.1 200 größe",
    ),
    (
        "kubelet: secret \"db\" not found",
        "kubelet: secret \"db\" not found",
    ),
];

#[test]
fn secrets_are_taken_out_and_the_rest_stays() {
    let wrong: Vec<_> = SECRETS
        .iter()
        .map(|(line, wanted)| (line, wanted, redact(line).into_owned()))
        .filter(|(_, wanted, found)| found != *wanted)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
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
        "pass\\",
        "password: a ",
        "password -",
        "--token",
        "cookie: ",
        "cookie",
        "-u a",
        "mysql ",
        "authorization: ",
        "://:",
        "://a@",
        "*** ",
        "%40",
        "a%40",
        "glpat-",
        "xoxb-1",
        "SG.",
        "A3-",
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
        let line = beginning.repeat((256 << 10) / beginning.len());
        assert!(!redact(&line).is_empty());
    }
}

#[test]
fn every_expression_of_a_token_compiles() {
    assert!(tokens::rows().count() > 100);
    for (keywords, expression) in tokens::rows() {
        super::compiled(expression);
        assert!(
            keywords.to_ascii_lowercase() == keywords && !keywords.is_empty(),
            "{expression}"
        );
    }
}
