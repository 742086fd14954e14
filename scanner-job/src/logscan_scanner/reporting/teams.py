"""A message as a workflow's webhook of Microsoft Teams takes it: an adaptive card of version 1.5.

A `TextBlock` reads a part of Markdown, which cannot be escaped reliably. A `TextRun` of a `RichTextBlock` is plain
text: whatever comes from a log or a key stands in one. A message has at most 28 KB (Microsoft Teams, "Create Incoming
Webhooks").
"""

from typing import Any

from logscan_scanner.reporting.messages import Message

FACT_LENGTH, SAMPLE_LENGTH = 250, 500  # characters, of up to four bytes, or twelve if JSON escapes them
COLOURS = {"critical": "attention", "error": "attention", "warning": "warning", "info": "accent"}
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"


def body(message: Message) -> dict[str, Any]:
    """Return the document to post."""
    colour = "attention" if message.failed else COLOURS.get(str(message.severity), "good")
    title = _run(f"logscan: {message.headline}", FACT_LENGTH, size="large", weight="bolder", color=colour)
    parts = [_rich(title)]
    parts += [_rich(_run(f"{n}: ", FACT_LENGTH, weight="bolder"), _run(v, FACT_LENGTH)) for n, v in message.facts if v]
    parts += [_rich(_run(rule, FACT_LENGTH)) for rule in message.rules]
    for place, text in message.samples:
        parts.append(_rich(_run(place, FACT_LENGTH, isSubtle=True), spacing="medium"))
        parts.append(_rich(_run(text, SAMPLE_LENGTH, fontType="monospace")))
    card = {"$schema": SCHEMA, "type": "AdaptiveCard", "version": "1.5", "body": parts, "msteams": {"width": "Full"}}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _rich(*runs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [*runs], **more}


def _run(text: str, most: int, **more: Any) -> dict[str, Any]:
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    return {"type": "TextRun", "text": shown or " ", **more}
