"""The state of a running scan: what was read, and what was found in it."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import logscan_engine as engine
from logscan_api.exitcodes import ExitCode
from logscan_api.framing import Records
from logscan_api.incomplete import Incomplete, IncompleteReason
from logscan_api.requests import ResolvedLimits
from logscan_api.rules import Rule
from logscan_api.text import cut, printable
from logscan_scanner.errors import ScanError
from logscan_scanner.reading.decompress import DamagedInputError, UnsupportedInputError
from logscan_scanner.reading.formats import HEAD_BYTES, Format, detect, is_brotli
from logscan_scanner.reading.inputs import open_inputs
from logscan_scanner.scanning.events import LOOK_LINES
from logscan_scanner.scanning.progress import Progress
from logscan_scanner.scanning.samples import LOOK_BYTES, Samples

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MAX_RATIO = 1000  # gzip can do no more than 1032, and logs reach a tenth of that
RATIO_FREE_BYTES = 256 * 1024 * 1024
MOST_LEFT_OUT = 10  # inputs that are named
NAME_BYTES = 2048  # of a field of the row: a key has 1,024, a member's name 255
WHY_BYTES = 512  # of the row, and of the status that repeats it
STEP_BYTES = 64 * 1024 * 1024  # read by the engine before samples are taken over
PUSH_BYTES = 512 * 1024  # the engine holds several pushes at once: those of a range of S3 would be 8 MiB each


def processors() -> int:
    """Return how many processors this process may use: those it may run on, and of those the share its pod has."""
    usable = len(os.sched_getaffinity(0))
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):  # no cgroup of version 2
        return usable
    return usable if quota == "max" else max(1, min(usable, int(quota) // int(period)))


class Scan:
    """Reads inputs one after the other; the engine scans them in threads of its own meanwhile.

    Attributes:
        stored_bytes: Bytes read as they are stored.
        formats: What was found, such as `gzip` or `tar`.
        incomplete: What was not read, and why.
        ended: Whether a limit has ended the scan.
        engine: What counts.
        samples: The sample lines.
    """

    def __init__(
        self,
        ruleset: engine.RuleSet,
        rules: list[Rule],
        limits: ResolvedLimits,
        progress: Progress,
        reference: int | None = None,
        findings: Callable[[engine.Line], None] | None = None,
        first: int = 0,
        records: Records | None = None,
        threads: int | None = None,
    ) -> None:
        """Start an engine's scan; nothing is read yet.

        Args:
            ruleset: The rules, compiled.
            rules: The rules.
            limits: Bounds.
            progress: Logs how far the scan is.
            reference: A second that the logs are not newer than; absent means now.
            findings: Called with the first lines of each rule, besides the samples.
            first: Number of lines of each rule that `findings` is called with.
            records: How the logs are divided; absent means by content.
            threads: How many scan; absent means one for each processor.

        Raises:
            ScanError: The expression for the first line of a record is refused.
        """
        self.limits = limits
        self.stored_bytes = 0
        self.formats: set[str] = set()
        self.incomplete: list[Incomplete] = []
        self.ended = False
        self._name: str | None = None
        self._named = 0  # inputs that were left out and are named in `incomplete`
        self._unnamed: Counter[IncompleteReason] = Counter()  # the others
        self.samples = Samples(rules, limits.max_samples_per_rule, limits.max_sample_bytes, limits.context_lines)
        self._rules = rules
        self._progress = progress
        self._findings = findings
        self._first = first
        try:
            self.engine = engine.Scan(
                ruleset,
                threads=threads or processors(),
                reference=int(time.time()) if reference is None else reference,
                max_record_bytes=limits.max_record_bytes,
                samples=self.samples.first,
                findings=first,
                before=limits.context_lines,
                after=max(limits.context_lines, LOOK_LINES),
                line_bytes=LOOK_BYTES,
                **(records or Records()).for_engine(),
            )
        except engine.InvalidRuleError as error:
            raise ScanError(f"records.{error}", ExitCode.INVALID_RULE) from error

    def read(self, chunks: Iterable[bytes], key: str | None, name: str | None = None) -> None:
        """Read one object to its end, its damage or a limit; damage in an archive ends the member that has it.

        Args:
            chunks: The object as it is stored.
            key: Its key, for samples, when there are several objects.
            name: Its name, which says whether it may be brotli; absent means its key.

        Raises:
            ScanError: It is the only object, and not a log.
            InternalError: The engine panicked.
        """
        self._name = key
        for found in open_inputs(self._limited(chunks), name or key):
            self._name = key if found.member is None else f"{key or ''}!{found.member}"
            self.engine.begin(self._name)
            try:
                for chunk in self._until_limit(found.chunks):
                    self.formats.update(found.formats)
                    for start in range(0, len(chunk), PUSH_BYTES):
                        self.engine.push(chunk[start : start + PUSH_BYTES])
                    self._hand_over()
            except UnsupportedInputError as error:
                if self._name is None and not self.engine.bytes:
                    raise ScanError(str(error), ExitCode.UNSUPPORTED_FORMAT) from error
                self._leave_out(IncompleteReason.UNSUPPORTED_FORMAT, str(error))
            except DamagedInputError as error:
                self._leave_out(IncompleteReason.DAMAGED, f"{error}, after {self.engine.bytes} bytes of content")
            if self.ended:
                return

    def read_file(self, file: engine.LogFile, name: str) -> None:
        """Read a file to its end, its damage or a limit. Of a plain log, the engine's threads read most themselves.

        Args:
            file: The file.
            name: Its name, which says whether it may be brotli.

        Raises:
            OSError: It cannot be read.
            InternalError: The engine panicked.
        """
        head = b""
        while len(head) < HEAD_BYTES and (data := file.read(PUSH_BYTES)):
            head += data
        if detect(head[:HEAD_BYTES]) is Format.PLAIN and not is_brotli(head, name):
            self.read([head], None)
            self._read_on(file)
        else:
            self.read(chain([head], iter(lambda: file.read(PUSH_BYTES), b"")), None, name)

    def _read_on(self, file: engine.LogFile) -> None:
        """Let the engine read what follows of a plain log, in steps between which samples are taken over."""
        most = min(self.limits.max_bytes, self.limits.max_decompressed_bytes)
        room = most - self.stored_bytes
        while not self.ended and (read := self.engine.read(file, min(room, STEP_BYTES))):
            self.stored_bytes += read
            room -= read
            self._hand_over()
        if not room and file.read(1):
            self._over_max_bytes() if most == self.limits.max_bytes else self._over_max_decompressed_bytes()

    def finish(self) -> engine.Counts:
        """Return the counts, once everything that was read is scanned.

        Raises:
            InternalError: The engine panicked.
        """
        self.engine.finish()
        self._hand_over()
        counts = self.engine.counts()
        message = "the rule took too many steps on a line, or too much time; lines are missing from its count"
        names = [self._rules[number].name for number in counts.incomplete]
        self.incomplete += [Incomplete(reason=IncompleteReason.MATCH_LIMIT, rule=n, message=message) for n in names]
        for reason, number in self._unnamed.items():
            message = f"{number} more were not read, or not to their end"
            self.incomplete.append(Incomplete(reason=reason, message=message))
        if records := self.engine.cut_records:
            most = self.limits.max_record_bytes
            message = f"{records} longer than maxRecordBytes ({most}): the rest of each was not matched"
            self.incomplete.append(Incomplete(reason=IncompleteReason.MAX_RECORD_BYTES, message=message))
        return counts

    def _hand_over(self) -> None:
        """Pass the lines found so far to the samples and the findings."""
        for line in self.engine.take_lines():
            if line.after is not None:
                self.samples.offer(line)
            if self._findings is not None and line.nth <= self._first:
                self._findings(line)
        self._progress.report(self.stored_bytes, self.engine.bytes, self.engine.lines, self.engine.matched)

    def end_early(self, reason: IncompleteReason, message: str) -> None:
        """Record why the scan ends before the end of the input, if nothing ended it before."""
        if not self.ended:
            self.ended = True
            self.incomplete.append(self._part(reason, message))

    def _leave_out(self, reason: IncompleteReason, message: str) -> None:
        """Record an input that was not read, or not to its end; after the first ones, only how many there are."""
        if self._named < MOST_LEFT_OUT:
            self._named += 1
            self.incomplete.append(self._part(reason, message))
        else:
            self._unnamed[reason] += 1

    def _part(self, reason: IncompleteReason, message: str) -> Incomplete:
        name = None if self._name is None else cut(self._name, NAME_BYTES)
        return Incomplete(reason=reason, object=name, message=cut(printable(message), WHY_BYTES))

    def _over_max_bytes(self) -> None:
        self.end_early(IncompleteReason.MAX_BYTES, f"maxBytes ({self.limits.max_bytes}) reached")

    def _over_max_decompressed_bytes(self) -> None:
        most = self.limits.max_decompressed_bytes
        self.end_early(IncompleteReason.MAX_DECOMPRESSED_BYTES, f"maxDecompressedBytes ({most}) reached")

    def _limited(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield stored bytes up to `maxBytes`."""
        for chunk in chunks:
            room = self.limits.max_bytes - self.stored_bytes
            if len(chunk) > room:
                self._over_max_bytes()
                chunk = chunk[:room]
            self.stored_bytes += len(chunk)
            yield chunk
            if self.ended:
                return

    def _until_limit(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield decompressed bytes up to `maxDecompressedBytes` or to what no log compresses to."""
        for chunk in chunks:
            room = self.limits.max_decompressed_bytes - self.engine.bytes
            if len(chunk) > room:
                self._over_max_decompressed_bytes()
                yield chunk[:room]
                return
            if self.engine.bytes > max(RATIO_FREE_BYTES, self.stored_bytes * MAX_RATIO):
                message = f"the content is more than {MAX_RATIO} times as large as the object"
                self.end_early(IncompleteReason.COMPRESSION_RATIO, message)
                return
            yield chunk
