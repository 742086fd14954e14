"""The engine in Rust (`rust/src/python.rs`)."""

from collections.abc import Sequence

from logscan_engine.rules import Rule

class RuleSet:
    """Compiled rules; threads may share them.

    Raises:
        InvalidRuleError: A rule is refused.
    """

    def __new__(cls, rules: Sequence[Rule]) -> RuleSet: ...
    def costs(self) -> list[tuple[int, float]]:
        """Return the slow rules, by their position, and the CPU seconds that each adds to the scan of 1 GB of a log.

        They are estimated on ordinary lines of services; the same rules have the same costs everywhere.
        """

class LogFile:
    """A file to be read from its start to its end, by `read` or by the threads of a scan.

    Raises:
        OSError: It cannot be opened or read.
    """

    def __new__(cls, path: str) -> LogFile: ...
    def read(self, most: int) -> bytes:
        """Return the next bytes, at most so many; none at the end."""

class Unpacker:
    """Unpacks one stream of `compress` (`.Z`), `deflate64`, `deflate64-exact`, `snappy` (framed) or `hadoop-snappy`.

    Raises:
        ValueError: The format is unknown, or the data corrupt.
    """

    def __new__(cls, name: str, /) -> Unpacker: ...
    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Return about `max_length` bytes of content, of this data and of earlier data; all if that is negative."""

    @property
    def eof(self) -> bool:
        """Whether an end mark was read; only Deflate64 has one."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out without more data."""

    @property
    def complete(self) -> bool:
        """Whether the data may end here."""

    @property
    def unused_data(self) -> bytes:
        """The data that was not used."""

class Line:
    """A line that a rule matches, without its newline.

    Attributes:
        rule: The rule's position.
        nth: Which of the rule's lines it is, from 1; lines below the rule's threshold do not count.
        number: Its number in its input, from 1.
        offset: Where it starts in its input, in bytes.
        key: The key of its input.
        text: Its bytes, or those around the match if there are more.
        start: Where in the line `text` starts.
        shown: Where in `text` the match shows: its end, or a place within it.
        before: Lines before it, if it is a sample and not only a finding.
        after: Lines after it, likewise.
    """

    @property
    def rule(self) -> int: ...
    @property
    def nth(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> str | None: ...
    @property
    def text(self) -> bytes: ...
    @property
    def start(self) -> int: ...
    @property
    def shown(self) -> int: ...
    @property
    def before(self) -> list[bytes] | None: ...
    @property
    def after(self) -> Lines | None: ...

class Lines:
    """Lines, each of which is copied when it is asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> bytes: ...

class Counts:
    """Lines counted so far.

    Attributes:
        by_rule: Lines of each rule, by its position.
        by_severity: Lines with at least one rule of a severity that has reached its threshold, mildest first.
        matched: Lines with at least one such rule.
        lines: All lines.
        incomplete: Rules, by their position, that reached the limit of steps on some lines: those are not counted.
        span: The earliest and the latest time of a matching line, in seconds since the epoch, or None.
        histogram_seconds: How many seconds a bin of the histogram spans.
        histogram: Bins that hold something: their first second, and lines of each severity, mildest first.
    """

    @property
    def by_rule(self) -> list[int]: ...
    @property
    def by_severity(self) -> list[int]: ...
    @property
    def matched(self) -> int: ...
    @property
    def lines(self) -> int: ...
    @property
    def incomplete(self) -> list[int]: ...
    @property
    def span(self) -> tuple[int, int] | None: ...
    @property
    def histogram_seconds(self) -> int: ...
    @property
    def histogram(self) -> list[tuple[int, list[int]]]: ...

class Scan:
    """Scans one input after the other, in threads of its own. The cut into chunks does not change what is found.

    Attributes:
        bytes: Bytes of all chunks so far.
        lines: Lines counted so far.
        matched: Matching lines counted so far.
        cut_records: Lines so far that were longer than the limit.
    """

    def __new__(
        cls,
        rules: RuleSet,
        *,
        threads: int,
        reference: int,
        max_record_bytes: int,
        samples: int,
        findings: int,
        before: int,
        after: int,
        line_bytes: int,
        framing: str | None = None,
        start: str | None = None,
        message_field: str | None = None,
    ) -> Scan:
        """Start the threads.

        Args:
            rules: Compiled rules.
            threads: How many scan.
            reference: A second that the log is not newer than by more than a day, for times without a year.
            max_record_bytes: Only so many bytes of a line are matched.
            samples: So many first lines of each rule are samples; after those, each power of two is one.
            findings: So many first lines of each rule are kept without the lines around.
            before: Lines kept before a sample.
            after: Lines kept after it; only 12 of them may have `line_bytes` bytes.
            line_bytes: Bytes kept of each line.
            framing: What a record is, by its name in a LogScan (`Auto`, `Lines`, `Json`, `CloudWatch`, `Multiline`).
                A record is what this documentation calls a line. Without it a line is what ends in a newline, and no
                byte is decoded.
            start: The expression that the first line of a record matches, for `Multiline`.
            message_field: The name of a field: of a record that is a JSON object with it, its text is the record.

        Raises:
            InvalidRuleError: `start` is refused.
            ValueError: There is no such framing, or it lacks its `start`.
        """

    def begin(self, key: str | None) -> None:
        """Start the next input; `key` identifies it in the lines that are found.

        Raises:
            InternalError: The engine panicked.
        """

    def push(self, chunk: bytes) -> None:
        """Take the next chunk of the input; wait while the threads have enough to do.

        Raises:
            InternalError: The engine panicked.
        """

    def read(self, file: LogFile, most: int) -> int:
        """Let the threads read the next bytes of the input from a file, and return how many there were.

        Args:
            file: A file.
            most: So many bytes are read at most; fewer only at the file's end.

        Raises:
            OSError: It cannot be read.
            InternalError: The engine panicked.
        """

    def finish(self) -> None:
        """End the last input, and wait until everything is counted.

        Raises:
            InternalError: The engine panicked.
        """

    def take_lines(self) -> list[Line]:
        """Return the lines that were found since the last call, in the order of the log."""

    def counts(self) -> Counts:
        """Return what was counted so far: everything after `finish`."""

    def costs(self) -> list[tuple[int, float]]:
        """Return what `RuleSet.costs` does, estimated on the beginning of what was scanned."""

    def _push_panic(self) -> None:
        """Push a chunk at which a thread panics, as at a defect of the engine: for tests."""

    @property
    def bytes(self) -> int: ...
    @property
    def lines(self) -> int: ...
    @property
    def matched(self) -> int: ...
    @property
    def cut_records(self) -> int: ...

def second_of(line: bytes, reference: int) -> int | None:
    """Return the time in a line, in seconds since the epoch, or None.

    Args:
        line: The line, with or without its newline.
        reference: A second that the log is not newer than by more than a day: it gives the year where there is none.
    """

def redact(line: str) -> str:
    """Return a line with secrets, addresses and card numbers replaced by `***`, in time linear in its length."""

def pcre_version() -> str:
    """Return the version of the PCRE2 that is part of the engine."""

def _panic() -> None:
    """Panic, as at a defect of the engine: for tests.

    Raises:
        InternalError: Always.
    """
