"""Secrets taken out of sample lines before anybody sees them.

A line is redacted as text; better a harmless number too many than a password in a status. No pattern begins with a
repeat, but for one that is bounded, so that no line takes time beyond its length.
"""

import re

MASK = "***"

_PATTERNS = [
    # A private key: everything after its marker.
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*"), f"-----PRIVATE KEY {MASK}"),
    # Access keys of AWS; tokens of well-known services; JSON Web Tokens.
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}\b"), MASK),
    (
        re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_|npm_)[A-Za-z0-9_-]{10,}"),
        MASK,
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), MASK),
    # user:password@ in an address.
    (re.compile(r"(?<=://)([^/\s:@]+):[^/\s@]+@"), rf"\1:{MASK}@"),
    # Authorization headers and bearer tokens.
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}"), rf"\1 {MASK}"),
    # name=value, name: value, "name": "value" where the name says that the value is secret.
    (
        re.compile(
            r"(?i)((?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|credential)"
            r"[\w.-]{0,40}[\"']?\s{0,8}[=:]\s{0,8})(\"[^\"]*\"?|'[^']*'?|[^\s,;&}\]]+)"
        ),
        rf"\1{MASK}",
    ),
    # E-mail addresses.
    (re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}\b"), MASK),
]
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w.-])")


def redact(text: str) -> str:
    """Return a line with secrets, addresses and card numbers replaced by `***`."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return _CARD.sub(lambda m: MASK if _is_card(m[0]) else m[0], text)


def _is_card(text: str) -> bool:
    """Return whether digits pass the Luhn check of card numbers (ISO/IEC 7812-1)."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [d if n % 2 == 0 else d * 2 - 9 * (d > 4) for n, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
