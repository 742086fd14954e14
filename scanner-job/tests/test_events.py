"""Events of several lines: what follows a line in a log is shown to the end of the event, and no further."""

import subprocess
import sys

import pytest
from test_samples import samples_of

from logscan_scanner.scanning.events import KEPT_LINES, LOOK_LINES, of_event

# Each is one event; its first line is the one that is found.
EVENTS = {
    "log4j": """\
2026-11-24 10:00:00 ERROR boom
java.lang.IllegalStateException: no connection
	at com.acme.Db.open(Db.java:7)
	at com.acme.Main.main(Main.java:3)
Caused by: java.io.IOException: reset
	... 2 more""",
    "uncaught": """\
ERROR in a thread
Exception in thread "main" java.lang.NullPointerException
	at com.acme.Main.main(Main.java:3)""",
    "suppressed": """\
com.acme.AcmeException: ERROR
	at com.acme.Main.main(Main.java:3)
	Suppressed: java.io.IOException: closed
		at com.acme.Main.close(Main.java:9)
Caused by: java.net.SocketException: reset
	at java.net.Socket.read(Socket.java:1)
	... 3 common frames omitted""",
    "python": """\
ERROR:root:boom
Traceback (most recent call last):
  File "x.py", line 1, in f
    g()
ValueError: bad""",
    "python, no message": """\
  File "x.py", line 1, in f
    raise KeyboardInterrupt
KeyboardInterrupt""",
    "go": """\
panic: boom ERROR

goroutine 1 [running]:
main.(*Server).run(0xc000010000, {0x1, 0x2})
	/x/main.go:7 +0x1
created by main.main in goroutine 1
	/x/main.go:3 +0x2""",
    "go, signal": """\
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]

goroutine 7 [running]:
github.com/acme/app/pkg.Do(...)
	/src/app/pkg/do.go:12
main.main()
	/x/main.go:7 +0x1""",
    "zap": """\
2026-11-24T10:00:00.000Z	ERROR	app/main.go:12	failed	{"a": 1}
main.run
	/app/main.go:12
runtime.main
	/usr/local/go/src/runtime/proc.go:267""",
    "node": """\
ERROR request failed
TypeError: Cannot read properties of undefined
    at f (/app/x.js:1:1)
    at node:internal/main/run_main:23:47 {
  code: 'X'
}""",
    ".net": """\
fail: ERROR unhandled
System.InvalidOperationException: bad
 ---> System.IO.IOException: reset
   at Acme.Db.Open() in /src/Db.cs:line 7
   --- End of inner exception stack trace ---
--- End of stack trace from previous location ---
   at Acme.Main()""",
    "ruby": """\
app.rb:1:in `f': bad (RuntimeError)
	from app.rb:5:in `<main>'""",
    "php": """\
PHP Fatal error:  Uncaught Exception: bad in /x.php:3
Stack trace:
#0 /x.php(7): f()
#1 {main}
  thrown in /x.php on line 3""",
    "monolog": """\
[2026-11-24 10:00:00] local.ERROR: bad {"exception":"[object] (PDOException(code: 7): bad at /x.php:3)
[stacktrace]
#0 /x.php(7): f()
#1 {main}
"} """,
    "rust": """\
thread 'main' panicked at src/main.rs:2:5:
boom ERROR
stack backtrace:
   0: rust_begin_unwind
             at /rustc/library/std/src/panicking.rs:1:1
note: run with `RUST_BACKTRACE=full` for a verbose backtrace""",
    "one line": "2026-11-24 10:00:00 ERROR boom",
}
OTHERS = [
    "2026-11-24 10:00:01 INFO next",
    "next",
    "",
    "ERROR: next",
    "Nov 24 10:00:00 host app: x",
    '{"level":"info"}',
    "E1124 10:00:00.1 1 x.go:7] next",
    "note: nothing",
    "}",
    "1",
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_shown_to_its_end(name: str, other: str) -> None:
    first, *rest = EVENTS[name].encode().split(b"\n")
    if other == "}" and rest:
        return  # it may well close the event
    assert of_event(first, [*rest, other.encode(), b"    indented"], 0) == rest


def test_a_chain_of_exceptions_is_shown_as_python_prints_it() -> None:
    program = "try:\n  try:\n    1 / 0\n  except ArithmeticError:\n    {}['k']\nexcept KeyError:\n  int('x')"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    printed = ran.stderr.splitlines()
    assert printed[-1].startswith(b"ValueError: ")
    event = of_event(b"ERROR it failed", [*printed, b"INFO next"], len(printed))
    assert event == printed


def test_of_a_long_event_the_beginning_and_the_end_are_shown() -> None:
    frames = [b'  File "x.py", line %d, in f' % n for n in range(40)]
    event = of_event(b"ERROR", [b"Traceback (most recent call last):", *frames, b"ValueError: bad", b"next"], 0)
    assert event[:2] == [b"Traceback (most recent call last):", frames[0]]
    assert event[-4:] == [b"[31 lines are left out]", frames[-2], frames[-1], b"ValueError: bad"]
    assert len(event) == KEPT_LINES


@pytest.mark.parametrize("count", range(0, LOOK_LINES, 7))
def test_as_many_lines_as_wanted_are_shown_in_any_case(count: int) -> None:
    after = [b"x"] * LOOK_LINES
    assert of_event(b"ERROR", after, count) == after[:count]
    frames = [b"    at f"] * LOOK_LINES
    assert of_event(b"ERROR", frames, count)[:count] == frames[:count]


def test_a_sample_has_its_event() -> None:
    text = f"INFO x\n{EVENTS['python']}\nINFO y\n".encode()
    (sample,) = samples_of(text, "ERROR", 1)
    assert sample.after == EVENTS["python"].split("\n")[1:]
