"""`python benchmarks/bench_forwarder.py`: a cold start of the forwarder, beside the same with boto3, in turns.

Measured is what Lambda does before the first event: import the handler and make the client. Prints medians and their
ratio.
"""

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 15
WAYS = {
    "with boto3": "import logscan_forwarder.events, json, boto3; boto3.client('sqs')",
    "the forwarder": "from logscan_forwarder.handler import client; client()",
}


def seconds(code: str) -> float:
    """Return how long a fresh interpreter takes for a piece of code, itself included."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**environment, "AWS_DEFAULT_REGION": "eu-central-1"})
    return time.perf_counter() - started


def main() -> None:
    """Measure in turns and print."""
    runs: dict[str, list[float]] = {name: [] for name in [*WAYS, "nothing"]}
    for _ in range(ROUNDS):
        for name, code in [*WAYS.items(), ("nothing", "pass")]:
            runs[name].append(seconds(code))
    median = {name: statistics.median(times) for name, times in runs.items()}
    for name in WAYS:
        print(f"{name}: {(median[name] - median['nothing']) * 1000:.0f} ms more than an empty interpreter")
    ours, peer = (median[name] - median["nothing"] for name in ("the forwarder", "with boto3"))
    print(f"ratio: {peer / ours:.2f}")


if __name__ == "__main__":
    main()
