"""Why a message stays in the queue: the reasons of `logscan_messages_rejected_total`, as docs/metrics.md shows them."""

from logscan_api.meanings import Explained


class Rejection(Explained):
    """Why a message that was received is not deleted."""

    MALFORMED = "malformed", "The message cannot be read."
    PARTLY_MALFORMED = "partly-malformed", "Some records of the message cannot be read; the others became LogScans."
    NOT_CREATED = "not-created", "One LogScan was refused."
    OUTAGE = "outage", "All LogScans are refused."
    UNDECIDED = "undecided", "The policy that may apply is missing."
    UNFORESEEN = "unforeseen", "An unexpected error of the operator; its log has the traceback."
