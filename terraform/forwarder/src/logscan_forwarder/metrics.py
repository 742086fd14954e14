"""Metrics in CloudWatch's embedded format: a line of the log that CloudWatch counts, so no call is made.

Source: CloudWatch user guide, "Specification: Embedded metric format".
"""

import json
import time

NAMESPACE = "LogScan"


def line(function: str, **counts: int) -> str:
    """Return the line of the log that counts what one call did.

    Args:
        function: The Lambda's name, the metrics' dimension.
        counts: Each metric's value.
    """
    definition = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [definition]}
    return json.dumps({"_aws": about, "FunctionName": function, **counts})
