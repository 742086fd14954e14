//! Secrets that an expression finds by what is in front of them.

use std::ops::Range;
use std::sync::LazyLock;

use regex_automata::Input;
use regex_automata::meta::Regex;

use super::{compiled, is_placeholder};

/// What a secret must be besides what its expression says.
#[derive(Clone, Copy, PartialEq)]
enum Must {
    BeAnything,
    /// `basic authentication` and `bearer token` are words.
    BeNoWord,
}
use Must::{BeAnything, BeNoWord};

/// Expressions whose only group is a secret. They know ASCII alone; what they exclude is ASCII too, so that a match
/// never ends within a character.
const EXPRESSIONS: [(Must, &str); 21] = [
    // A private key: everything after its marker, and a line of its body.
    (
        BeAnything,
        "-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----([^\n]+)",
    ),
    (BeAnything, r"^[ \t|>]*([A-Za-z0-9+/]{40,}={0,2})\s*$"),
    // Access keys of AWS, whatever their length; JSON Web Tokens.
    (BeAnything, r"\b((?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,})\b"),
    (
        BeAnything,
        r"\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)",
    ),
    // A secret key of AWS beside its access key, which is masked by now.
    (BeAnything, r"\*\*\*[\s:,;/|]{1,3}([A-Za-z0-9/+]{40})\b"),
    // Prefixes of tokens, also of those that are shorter than the services make them.
    (
        BeAnything,
        r"\b((?:gh[pousr]_|github_pat_|gl(?:pat|rt|dt|ft|cbt|ptt|agent|imt|oas|soat|ffct)-|xox[abeoprs]-|xapp-|sk-|[rs]k_(?:live|test|prod)_|whsec_|npm_|pypi-|hv[sbr]\.|dckr_(?:pat|oat)_|do[opr]_v1_|SG\.|ya29\.|glsa_|glc_|lin_api_|shp(?:at|ca|pa|ss)_|rubygems_|sntry[su]_|AIza)[A-Za-z0-9_-][A-Za-z0-9_.-]{9,})",
    ),
    // Headers.
    (
        BeNoWord,
        r#"(?i)\b(?:bearer|basic|token|digest|negotiate|apikey)\s+([A-Za-z0-9+/._~=-]{8,})"#,
    ),
    (
        BeNoWord,
        r#"(?i)\bauthorization[\\"']*\s*[:=]>?\s*[\\"']*(?:token\s+)?([A-Za-z0-9+/._~=-]{8,})"#,
    ),
    (
        BeAnything,
        r#"(?i)\b(?:set-)?cookie2?[\\"']*\s*[:=]\s*[\\"']*([^"'\\\n]{4,})"#,
    ),
    // Signed requests.
    (
        BeAnything,
        r"(?i)(?:\b|_)(?:x-(?:amz|goog|oss|obs)-)?sig(?:nature)?=([A-Za-z0-9%+/=_-]{8,})",
    ),
    // URLs whose path is the secret.
    (
        BeAnything,
        r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{8,})",
    ),
    (
        BeAnything,
        r"(?i)discord(?:app)?\.com/api/webhooks/([0-9]+/[A-Za-z0-9_-]+)",
    ),
    (
        BeAnything,
        r"(?i)\.webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{8,})",
    ),
    (BeAnything, r"\bbot([0-9]{6,}:[A-Za-z0-9_-]{20,})"),
    (BeAnything, r"(?i)jdbc:oracle:\w+:[^\s/@]+/([^\s@]+)@"),
    // Command lines.
    (
        BeAnything,
        r"(?:^|\s)(?:-u|--user|--proxy-user)[ =]['\x22]?[^\s:'\x22]+:([^\s'\x22]+)",
    ),
    (
        BeAnything,
        r"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|sshpass)\b[^|;&\n]*?\s-p([^\s'\x22-][^\s]*)",
    ),
    // Numbers that are secrets by their name; account and insurance numbers.
    (
        BeAnything,
        r"(?i)\bcv[vc]2?[\\\x22']*\s*[:=]\s*[\\\x22']*([0-9]{3,4})\b",
    ),
    (
        BeAnything,
        r"(?i)\b(?:otp|one-time (?:code|password)|verification code)(?: is)?[\s:=]{1,3}([0-9]{4,8})\b",
    ),
    (
        BeAnything,
        r"(?i)\bssn[\\\x22']*[\s:=]{1,3}[\\\x22']*([0-9]{3}-?[0-9]{2}-?[0-9]{4})\b",
    ),
    // Keys in a Secret of Kubernetes.
    (
        BeAnything,
        r"\b[\w-]*\.(?:key|pem|p12|pfx|jks|keystore)[\x22']?:\s*[\x22']?([A-Za-z0-9+/]{16,}={0,2})",
    ),
];

const LONGEST_WORD: usize = 15;

pub(super) struct Expression {
    must: Must,
    regex: Regex,
}

static ALL: LazyLock<Vec<Expression>> = LazyLock::new(|| {
    let all = EXPRESSIONS.iter();
    all.map(|&(must, text)| Expression {
        must,
        regex: compiled(text),
    })
    .collect()
});

pub(super) fn all() -> &'static [Expression] {
    &ALL
}

impl Expression {
    /// Returns where the next secret is, from a place on.
    pub(super) fn find(&self, text: &str, mut at: usize) -> Option<Range<usize>> {
        let mut groups = self.regex.create_captures();
        loop {
            let input = Input::new(text).range(at..);
            self.regex.search_captures(&input, &mut groups);
            let found = groups.get_group(1)?.range();
            let value = &text[found.clone()];
            if !is_placeholder(value) && (self.must == BeAnything || !is_like_a_word(value)) {
                return Some(found);
            }
            at = found.end;
        }
    }
}

/// Returns whether a text is words, joined by hyphens: lowercase letters but for the first, and not too many of them.
fn is_like_a_word(text: &str) -> bool {
    text.trim_end_matches('.').split('-').all(|word| {
        let mut rest = word.bytes().skip(1);
        word.len() <= LONGEST_WORD && rest.all(|byte| byte.is_ascii_lowercase())
    })
}
