"""Lines as programs write them: long, of many formats, full of marks; the same for the same seed.

Short lines prove little: an engine looks at 16 to 64 bytes at once, and what is wrong with how it does shows only on
lines longer than that.
"""

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

SHORTEST, LONGEST = 100, 2000  # bytes of a line
START = datetime(2026, 11, 24, 10, tzinfo=UTC)

LEVELS = ["TRACE", "DEBUG", "INFO", "INFO", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"]
WORDS = (  # noqa: SIM905 # a list would take a line for each
    "request response timeout upstream connection pool worker thread cache index shard replica leader session token "
    "account order payment invoice customer catalog search query result template queue consumer producer offset "
    "partition batch retry backoff circuit breaker health probe metric trace span context deadline commit rollback "
    "transaction lock lease election heartbeat snapshot received receiving sent refused denied failed failure found "
    "missing unknown invalid expired exceeded closed opening starting stopped terminated killed größe naïve 日本語"
).split()
CLASSES = ["com.acme.Db", "org.apache.zookeeper.server.NIOServerCnxn", "dfs.DataNode$PacketResponder", "nova.compute"]
REASONS = ["connection refused", "i/o timeout", "no such file or directory", "permission denied", "broken pipe", "EOF"]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "curl/8.14.1",
    "kube-probe/1.36",
]
PHRASES = [
    "{word} {word}: {word} after {ms} ms",
    "{word}={number}, {word}='{word}'",
    "{word} {word} ({reason})",
    'url="https://{host}/api/v{digit}/{word}/{hex}?page={number}&{word}={word}"',
    "[{word}-{number}] {word} -> {word}:  {reason}",
    "at {class}.{word}({word}.java:{number})",
    "curl -fsSL https://{host}/{word}.sh | python3 -",
    "block blk_{number}{number} of size {number} from /{ip}",
    "user {word}@{host}; id={hex}; {word}|{word}|{number}",
    "{{word}: [{number}, {number}], {word}: {}}",
    "Caused by: java.lang.IllegalStateException: {word} is {word}",
    "SELECT {word}, {word} FROM {word} WHERE id = {number} AND {word} LIKE '%{word}%'",
    "0x{hex} <{word}> {word}/{word}/{word}.go:{number} +0x{hex}",
    "{word}\t{number}\t{number}%\t-",
]

FORMATS = {
    "log4j": "{day} {clock},{milli} {level} [{word}-{number}] {class}: {text}",
    "logback": "{clock}.{milli} [{word}-nio-{number}-exec-{digit}] {level} {class} - [{hex}] - {text}",
    "spring": "{day}T{clock}.{milli}Z  {level} {number} --- [main] {class}   : {text}",
    "python": "{day} {clock},{milli} - {word}.{word} - {level} - {text}",
    "klog": 'E1124 {clock}.{milli}000 {number} {word}.go:{number}] "{text}" err="{reason}" pod="{word}/{word}-{hex}"',
    "hdfs": "261124 100000 {number} {level} {class}: {text}",
    "openstack": "nova-api.log.1 {day} {clock}.{milli} {number} {level} {class} [req-{hex} {hex} - - -] {text}",
    "nginx": '{ip} - - [24/Nov/2026:{clock} +0000] "GET /{word}/{hex} HTTP/1.1" {status} {number} "{text}" "{agent}"',
    "nginx-error": "2026/11/24 {clock} [error] {number}#{digit}: *{number} {text}, client: {ip}, server: {host}",
    "apache-error": "[Tue Nov 24 {clock}.{milli} 2026] [core:error] [pid {number}] [client {ip}:{number}] {text}",
    "alb": 'https {day}T{clock}.{milli}Z app/{word}/{hex} {ip}:{number} {ip}:80 0.001 {status} "{text}" "{agent}" -',
    "s3-access": "{hex} {word} [24/Nov/2026:{clock} +0000] {ip} - {hex} REST.GET.OBJECT {word} {status} - {text}",
    "cloudfront": "{day}\t{clock}\tFRA56-P{digit}\t{number}\t{ip}\tGET\t{host}\t/{word}\t{status}\t-\t{text}\t{hex}",
    "vpc-flow": "5 123456789012 eni-{hex} {ip} {ip} {number} 443 6 {number} {number} 1795514400 REJECT OK {text}",
    "syslog": "Nov 24 {clock} {word}-{digit} {word}[{number}]: {text}",
    "syslog-5424": '<165>1 {day}T{clock}.{milli}Z {host} {word} {number} ID{number} [x@32473 iut="{digit}"] {text}',
    "sshd": "Nov 24 {clock} {word} sshd[{number}]: Failed password for invalid user {word} from {ip} port 22: {text}",
    "zap": '{"level":"error","ts":1795514400.{milli},"logger":"{word}","msg":{json},"error":"{reason}","n":{number}}',
    "pino": '{"level":50,"time":1795514400{milli},"pid":{number},"hostname":"{host}","msg":{json}}',
    "docker": '{"log":{json},"stream":"stderr","time":"{day}T{clock}.{milli}000000Z"}',
    "cri": "{day}T{clock}.{milli}000000Z stderr F {level} {text}",
    "cloudtrail": '{"eventTime":"{day}T{clock}Z","eventName":"Get{word}","userAgent":"{ip}","errorMessage":{json}}',
    "mongod": '{"t":{"$date":"{day}T{clock}.{milli}+00:00"},"s":"E","c":"{word}","id":{number},"msg":{json}}',
    "postgres": "{day} {clock}.{milli} UTC [{number}] {word}@{word} ERROR:  {text} at character {number}",
    "mysql": "{day}T{clock}.{milli}000Z {number} [Warning] [MY-{number}] [Server] {text}",
    "haproxy": "Nov 24 {clock} {host} haproxy[{number}]: {ip}:{number} {word}~ {word} 0/0/1/{ms} {status} - {text}",
    "iis": "{day} {clock} {ip} POST /{word}.aspx {word}={number} 443 - {ip} {agent} {status} 0 0 {ms} {text}",
    "cef": "CEF:0|{word}|{word}|1.{digit}|{number}|{text}|{digit}|src={ip} spt={number} msg={word} {word}",
    "audit": 'type=AVC msg=audit(1795514400.{milli}:{number}): avc:  denied  { {word} } comm="{word}" {text}',
    "logfmt": "ts={day}T{clock}Z level=error caller={word}.go:{number} msg={json} err='{reason}'",
    "serilog": "{day} {clock}.{milli} +00:00 [ERR] {word}: {text}",
    "kernel": "[{number}.{milli}123] {word} {digit}-1: {text}: {reason}",
    "envoy": '[{day}T{clock}.{milli}Z] "POST /{word} HTTP/2" {status} UF,URX - "{text}" {number} "{agent}" "{hex}"',
    "ansi": "\x1b[31mERROR\x1b[0m {clock} {class}: {text}",
}

FIELDS: dict[str, Callable[[random.Random], str]] = {
    "word": lambda c: c.choice(WORDS),
    "level": lambda c: c.choice(LEVELS),
    "class": lambda c: c.choice(CLASSES),
    "reason": lambda c: c.choice(REASONS),
    "agent": lambda c: c.choice(AGENTS),
    "status": lambda c: str(c.choice([200, 200, 204, 301, 403, 404, 499, 500, 502, 503])),
    "digit": lambda c: str(c.randrange(10)),
    "number": lambda c: str(c.randrange(10 ** c.randrange(1, 7))),
    "ms": lambda c: str(c.randrange(9000)),
    "milli": lambda c: f"{c.randrange(1000):03}",
    "hex": lambda c: f"{c.getrandbits(48):012x}",
    "ip": lambda c: f"10.{c.randrange(256)}.{c.randrange(256)}.{c.randrange(256)}",
    "host": lambda c: f"{c.choice(WORDS[:40])}-{c.randrange(20)}.example.com",
    "clock": lambda c: f"{START + timedelta(milliseconds=c.randrange(86_400_000)):%H:%M:%S}",
    "day": lambda c: f"{START + timedelta(days=c.randrange(3)):%Y-%m-%d}",
}
FIELD = re.compile(rf"\{{({'|'.join(FIELDS)})\}}")


def realistic_lines(count: int, seed: int | str) -> list[bytes]:
    """Return lines of all formats, each of `SHORTEST` to `LONGEST` bytes; a few hold bytes that are no UTF-8."""
    chance = random.Random(seed)
    formats = list(FORMATS.values())
    return [_line(formats[number % len(formats)], chance) for number in range(count)]


def realistic_text(count: int, seed: int | str) -> bytes:
    """Return such lines as a log."""
    return b"".join(line + b"\n" for line in realistic_lines(count, seed))


def _line(template: str, chance: random.Random) -> bytes:
    wanted = int(SHORTEST * (LONGEST / SHORTEST) ** chance.random())
    text = _text(chance, wanted)
    line = _filled(template.replace("{json}", "\0").replace("{text}", "\1"), chance)
    line = line.replace("\0", json.dumps(text, ensure_ascii=False)).replace("\1", text)
    data = line.encode()
    while len(data) < SHORTEST:
        data += b" " + _text(chance, SHORTEST).encode()
    if chance.random() < 0.03:
        data = data[:60] + bytes(chance.randrange(128, 256) for _ in range(4)) + data[60:]
    return data[:LONGEST]


def _text(chance: random.Random, length: int) -> str:
    text = _filled(chance.choice(PHRASES), chance)
    while len(text) < length - SHORTEST:
        text += chance.choice([" ", ", ", "; ", ": ", " | "]) + _filled(chance.choice(PHRASES), chance)
    return text


def _filled(template: str, chance: random.Random) -> str:
    """Return a template with its fields filled in; other braces stay."""
    return FIELD.sub(lambda found: FIELDS[found[1]](chance), template)
