"""`python -m logscan_local.stack.node CONFIG`: run a node in the foreground until SIGTERM."""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from logscan_local.stack.node import agent, config


async def run(path: Path) -> None:
    """Run the node that a file describes."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run always gives one
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await agent.serve(config.read(path))


def main() -> None:
    """Start the node."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(run(Path(sys.argv[1])))
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    main()
