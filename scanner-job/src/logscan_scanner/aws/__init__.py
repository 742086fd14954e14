"""AWS, each service behind what a scan needs of it.

Every failure leaves as a `ScanError`, so that nothing above knows botocore.
"""

from logscan_scanner.aws.clients import translate
from logscan_scanner.aws.objects import Objects, StoredObject
from logscan_scanner.aws.results import Results

__all__ = ["Objects", "Results", "StoredObject", "translate"]
