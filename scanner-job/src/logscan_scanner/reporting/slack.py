"""A message as Slack's incoming webhooks take it, within their bounds (Slack API, "Reference: blocks").

`&`, `<` and `>` are Slack's only control characters in text of the type mrkdwn. Its other signs, such as `*`, cannot be
escaped: whatever comes from a log or a key stands in a code span or block, from which backticks are taken.
"""

from typing import Any

from logscan_scanner.reporting.messages import Message

HEADER_LENGTH, SECTION_LENGTH, TITLE_LENGTH = 150, 3000, 900
FACT_LENGTH, SAMPLE_LENGTH = 250, 500
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "\N{MODIFIER LETTER GRAVE ACCENT}"}
MARKS = {"critical": "\N{LARGE RED CIRCLE}", "error": "\N{LARGE RED CIRCLE}", "warning": "\N{LARGE YELLOW CIRCLE}"}


def body(message: Message) -> dict[str, Any]:
    """Return the document to post."""
    worst = "error" if message.failed else str(message.severity)
    header = f"{MARKS.get(worst, '')} logscan: {message.headline}".strip()[:HEADER_LENGTH]
    facts = "\n".join(f"*{name}* `{escaped(value, FACT_LENGTH)}`" for name, value in message.facts if value)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": header}}]
    blocks += _section(facts)
    blocks += _section("\n".join(f"• `{escaped(rule, FACT_LENGTH)}`" for rule in message.rules))
    for place, text in message.samples:
        blocks += _section(f"`{escaped(place, FACT_LENGTH)}`\n```{escaped(text, SAMPLE_LENGTH)}```")
    return {"text": escaped(message.title, TITLE_LENGTH), "blocks": blocks}


def escaped(text: str, most: int) -> str:
    """Return at most so many characters of a text that mean nothing to Slack; none is cut in two."""
    kept: list[str] = []
    length = 0
    for character in text:
        written = ESCAPES.get(character, character)
        length += len(written)
        if length > most - 1:
            return "".join(kept) + "…"
        kept.append(written)
    return "".join(kept) or " "


def _section(text: str) -> list[dict[str, Any]]:
    """Return a section, in whole lines as far as they fit. Slack makes no links of its own in it (`verbatim`)."""
    lines: list[str] = []
    length = 0
    for line in text.split("\n"):
        length += len(line) + 1
        if length > SECTION_LENGTH:
            break
        lines.append(line)
    shown = "\n".join(lines)
    return [{"type": "section", "text": {"type": "mrkdwn", "text": shown, "verbatim": True}}] if shown else []
