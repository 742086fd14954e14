"""Varied lines that look like what services write, the same for the same seed, and rules that match some of them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from logscan_api.packs import load_pack
from logscan_api.rules import Rule

PACKS = ["generic", "java", "python", "go", "nginx", "postgres", "kernel", "syslog", "sshd", "secrets", "kubernetes"]
WORDS = (  # noqa: SIM905 # a list would take a line for each
    "request response timeout upstream connection pool worker thread cache index shard replica leader "
    "session token account order payment invoice shipment inventory customer catalog search query result "
    "page render template queue consumer producer offset partition batch retry backoff circuit breaker "
    "health probe metric trace span context deadline cancel commit rollback transaction lock lease "
    "election heartbeat snapshot "
).split()
SERVICES = ["checkout", "payments", "catalog", "search", "gateway", "auth", "shipping", "mailer"]
FAILURES = [
    "ERROR failed to {w1} {w2}: connection refused by 10.{a}.{b}.7:5432",
    "ERROR {w1} {w2} gave up after {n} ms",
    "WARN slow {w1}: took {n} ms for {w2}",
    "FATAL out of memory while handling {w1}",
    "ERROR java.lang.IllegalStateException: {w1} is {w2}",
    "WARN HTTP 503 from {w1}-{w2}.internal after {n} ms",
    "ERROR panic: runtime error: index out of range [{n}]",
    "WARN certificate of {w1} expires in {n} hours",
]
RULES = [
    "ERROR",
    r"\bFATAL\b",
    r"WARN.*took \d{4,} ms",
    r"Exception: \w+",
    r"HTTP 5\d\d",
    r"panic: ",
    r"connection (refused|reset)",
    r"expires in \d+ hours",
]


# Lines that the shipped rules are tested with.
SHIPPED = [line for pack in PACKS for rule in load_pack(pack).rules for line in rule.matches]


def lines(size: int, failing: float, seed: int = 7) -> Iterator[bytes]:
    """Yield blocks of lines until there are `size` bytes; a share `failing` of the lines is bad news."""
    chance, made, number = random.Random(seed), 0, 0
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    while made < size:
        block = []
        for _ in range(2000):
            number += 1
            moment += timedelta(milliseconds=chance.randrange(40))
            block.append(_line(chance, moment, number, failing))
        data = ("\n".join(block) + "\n").encode()
        made += len(data)
        yield data


def _line(chance: random.Random, moment: datetime, number: int, failing: float) -> str:
    head = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z {chance.choice(SERVICES)}[{number % 97}]"
    fields = {"w1": chance.choice(WORDS), "w2": chance.choice(WORDS), "n": chance.randrange(9000)}
    fields |= {"a": chance.randrange(256), "b": chance.randrange(256)}
    if chance.random() < failing:
        text = chance.choice(FAILURES).format(**fields) if chance.random() < 0.8 else chance.choice(SHIPPED)
    else:
        text = f"INFO {fields['w1']} {fields['w2']} done in {fields['n']} us, {chance.choice(WORDS)}={number}"
    return f"{head} {text} id={chance.getrandbits(48):012x} user={fields['a']}{fields['b']}"


def rules(count: int) -> list[Rule]:
    """Return that many rules: those of `RULES`, then those that ship, pack by pack."""
    own = [Rule(name=f"own-{n}", pattern=pattern) for n, pattern in enumerate(RULES)]
    shipped = {rule.rule.name: rule.rule for pack in PACKS for rule in load_pack(pack).rules if not rule.rule.exclude}
    return [*own, *shipped.values()][:count]


def default_rules() -> list[Rule]:
    """Return the rules of the chart's default pack and those that look for credentials."""
    return [packed.rule for pack in ("levels", "secrets") for packed in load_pack(pack).rules]


def field_rules(count: int) -> list[Rule]:
    """Return rules as teams write them for the fields of their own logs: few begin with a word to look for."""
    chance = random.Random(3)
    found: list[Rule] = []
    while len(found) < count:
        one, two, digit = chance.choice(WORDS), chance.choice(WORDS), chance.randrange(10)
        forms = [
            rf"\b{one} {two} (?:failed|denied|lost)\b",
            rf"(?:{one}|{two}).*(?:refused|reset|timed out)",
            rf"{one}=\d+ .*user=\d*{digit}\b",
            rf"\[\d+\] (?:WARN|ERROR) .*{one}",
            rf"took [5-9]\d{{3}} ms for (?:{one}|{two})",
            rf"^\S+ \S+\[\d+\] \w+ {one} {two}\b",
            rf"id=[0-9a-f]*{digit}{digit}{digit} user",
        ]
        found.append(Rule(name=f"field-{len(found)}", pattern=chance.choice(forms)))
    return found


def for_ripgrep(rule: Rule) -> str:
    """Return a rule's expression for `rg -f`, as a group: rg joins them, and a flag of one would reach the next."""
    return f"(?i:{rule.pattern or ''})" if rule.ignore_case else f"(?:{rule.pattern or ''})"
