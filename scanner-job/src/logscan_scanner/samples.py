"""The first lines that each rule matched: cut, redacted, always valid UTF-8."""

from logscan_api.results import MAX_SAMPLES_BYTES, Sample
from logscan_scanner.blocks import Block
from logscan_scanner.redaction import redact

CONTEXT_BYTES = 4096


class Samples:
    """Keeps the first few lines of each rule, within a budget of bytes for all."""

    def __init__(self, rules: list[str], per_rule: int, max_bytes: int) -> None:
        """Prepare.

        Args:
            rules: Names of the rules by position.
            per_rule: Lines kept of each.
            max_bytes: Bytes kept of a line.
        """
        self.samples: list[Sample] = []
        self.key: str | None = None
        self._rules = rules
        self._left = [per_rule] * len(rules)
        self._max_bytes = max_bytes
        self._budget = MAX_SAMPLES_BYTES

    def offer(self, rule: int, block: Block, start: int, end: int) -> None:
        """Keep a line if its rule has room.

        Args:
            rule: The rule's position.
            block: The block that holds the line.
            start: Where the line starts in the block.
            end: Where its newline is.
        """
        if self._left[rule] == 0 or self._budget <= 0:
            return
        self._left[rule] -= 1
        # Redact before the cut, so that half a secret is not taken for none; but not a megabyte of it.
        text = redact(block.data[start : min(end, start + CONTEXT_BYTES)].decode("utf-8", "replace"))
        text = cut(text.replace("\x00", "\ufffd").rstrip("\r"), self._max_bytes)
        self._budget -= len(text.encode()) + 100
        line = block.first_line + block.data.count(b"\n", 0, start)
        self.samples.append(
            Sample(rule=self._rules[rule], line=line, offset=block.offset + start, text=text, key=self.key)
        )


def cut(text: str, max_bytes: int) -> str:
    """Return a text of at most so many bytes of UTF-8, cut between characters and marked with an ellipsis."""
    data = text.encode()
    if len(data) <= max_bytes:
        return text
    return data[: max_bytes - 3].decode("utf-8", "ignore") + "…"
