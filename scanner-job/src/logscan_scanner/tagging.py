"""The verdict of a scan as a tag of its object, if the LogScan asks for it. A tag that cannot be put fails no scan."""

import logging

from logscan_api.notify import VERDICT_TAG
from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_scanner.aws import Objects, Results, StoredObject
from logscan_scanner.errors import ScanError

# Where the row says what went wrong, beside the channels, none of which can have a name with capitals.
NOTE = "tagObject"

log = logging.getLogger("logscan.scanner.tagging")


class Tagger:
    """Tags the objects of a request, any number of threads at once."""

    def __init__(self, request: ScanRequest, objects: Objects) -> None:
        """Tag nothing yet.

        Args:
            request: The Job's input, which says whether anything is tagged.
            objects: Where the objects are.
        """
        self._request = request
        self._objects = objects
        self._wanted = request.notify is not None and request.notify.tag_object
        self._failures: list[str] = []

    def tag(self, stored: StoredObject, result: ScanResult) -> None:
        """Tag an object with the verdict of its scan, if that is wanted."""
        if not self._wanted:
            return
        from logscan_scanner.reporting import views  # most scans tag nothing

        try:
            self._objects.tag(stored, VERDICT_TAG, views.verdict(result).word)
        except ScanError as error:
            log.warning("%s", error)
            self._failures.append(str(error))

    def note(self, results: Results) -> None:
        """Record in the request's row how many objects were not tagged, and why the first was not."""
        if not self._failures:
            return
        more = len(self._failures) - 1
        others = f"; {more} more objects were not tagged either" if more else ""
        try:
            results.note_error(self._request.result, self._request.scan.uid, NOTE, self._failures[0] + others)
        except ScanError as error:
            log.warning("could not record it: %s", error)
