"""The state of a running scan: what was read, and what was found in it."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from logscan_api.requests import ResolvedLimits
from logscan_api.rules import Rule
from logscan_engine import errors as engine_errors
from logscan_engine.blocks import Block, LineBlocks
from logscan_engine.compiling import RuleSet, compile_rules
from logscan_engine.engine import Engine, Line, LineHandler
from logscan_scanner.decompress import DamagedInputError
from logscan_scanner.errors import InvalidRuleError
from logscan_scanner.histogram import Histogram
from logscan_scanner.inputs import open_inputs
from logscan_scanner.progress import Progress
from logscan_scanner.readahead import read_ahead
from logscan_scanner.samples import Samples

BLOCKS_AHEAD = 3
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MAX_RATIO = 1000  # gzip can do no more than 1032, and logs reach a tenth of that
RATIO_FREE_BYTES = 256 * 1024 * 1024


def processors() -> int:
    """Return how many processors this process may use: those it may run on, and of those the share its pod has."""
    usable = len(os.sched_getaffinity(0))
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):  # no cgroup of version 2
        return usable
    return usable if quota == "max" else max(1, min(usable, int(quota) // int(period)))


def compile_for_scan(rules: list[Rule]) -> RuleSet:
    """Compile the rules of a scan.

    Raises:
        InvalidRuleError: One cannot be compiled; the message names it and what is wrong.
    """
    try:
        return compile_rules(rules)
    except engine_errors.InvalidRuleError as error:
        raise InvalidRuleError(str(error)) from error


class Scan:
    """Reads inputs one after the other.

    Attributes:
        stored_bytes: Bytes read as they are stored.
        formats: What was found, such as `gzip` or `tar`.
        truncated_why: Why the scan ended early, or None.
        engine: The counts.
        samples: The sample lines.
        histogram: The times.
        blocks: How many lines and bytes there were.
    """

    def __init__(
        self,
        ruleset: RuleSet,
        limits: ResolvedLimits,
        progress: Progress,
        reference: int | None = None,
        findings: LineHandler | None = None,
        first: int = 0,
    ) -> None:
        """Prepare.

        Args:
            ruleset: Compiled rules.
            limits: Bounds.
            progress: Who is told how far the scan is.
            reference: A second that the logs are not newer than; absent means now.
            findings: Who gets the first lines of each rule besides the samples.
            first: How many lines of each rule `findings` wants.
        """
        self.limits = limits
        self.stored_bytes = 0
        self.formats: set[str] = set()
        self.truncated_why: str | None = None
        self.histogram = Histogram()
        self.samples = Samples(
            ruleset.rules, limits.max_samples_per_rule, limits.max_sample_bytes, limits.context_lines
        )
        self.blocks = LineBlocks(limits.max_line_bytes)
        self._progress = progress
        self._findings = findings
        reference = int(time.time()) if reference is None else reference
        first = max(first, self.samples.first)
        self.engine = Engine(ruleset, self._on_line, self.histogram.add, first, reference)

    def read(self, chunks: Iterable[bytes], key: str | None) -> None:
        """Scan one object to its end, its damage or a limit.

        Args:
            chunks: The object as it is stored.
            key: Its key, for samples, when there are several objects.
        """
        progress = self._progress
        # Closed in any case, so that nothing reads on behind the back of who opens the next object.
        blocks = read_ahead(self._blocks(self._limited(chunks), key), BLOCKS_AHEAD)
        try:
            for _ in self.engine.scan(blocks, processors()):
                progress.tell(self.stored_bytes, self.blocks.bytes, self.engine.lines, self.engine.matched)
        finally:
            blocks.close()

    def _on_line(self, line: Line) -> None:
        self.samples.offer(line)
        if self._findings is not None:
            self._findings(line)

    def _blocks(self, chunks: Iterator[bytes], key: str | None) -> Iterator[Block]:
        """Yield the blocks of an object, up to a limit or to where it is damaged."""
        try:
            for found in open_inputs(chunks):
                self.formats.update(found.formats)
                place = key if found.member is None else f"{key or ''}!{found.member}"
                yield from self.blocks.cut(self._until_limit(found.chunks), place)
                if self.truncated_why:
                    return
        except DamagedInputError as error:
            self._truncate(f"{error}, after {self.blocks.bytes} bytes of content")

    def _truncate(self, why: str) -> None:
        self.truncated_why = self.truncated_why or why

    def _limited(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield stored bytes up to `maxBytes`."""
        for chunk in chunks:
            room = self.limits.max_bytes - self.stored_bytes
            if len(chunk) > room:
                self._truncate(f"maxBytes ({self.limits.max_bytes}) reached")
                chunk = chunk[:room]
            self.stored_bytes += len(chunk)
            yield chunk
            if self.truncated_why:
                return

    def _until_limit(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield decompressed bytes up to `maxDecompressedBytes` or to what no log compresses to.

        Damage ends the chunks here too: the last line before it is a line.
        """
        try:
            for chunk in chunks:
                room = self.limits.max_decompressed_bytes - self.blocks.bytes
                if len(chunk) > room:
                    self._truncate(f"maxDecompressedBytes ({self.limits.max_decompressed_bytes}) reached")
                    yield chunk[:room]
                    return
                if self.blocks.bytes > max(RATIO_FREE_BYTES, self.stored_bytes * MAX_RATIO):
                    self._truncate(f"the content is more than {MAX_RATIO} times what is stored, which no log is")
                    return
                yield chunk
        except DamagedInputError as error:
            self._truncate(f"{error}, after {self.blocks.bytes} bytes of content")
