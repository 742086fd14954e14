"""`python -m logscan_operator`: run the operator until SIGTERM."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import threading

from logscan_operator import __version__, logs, preflight, settings
from logscan_operator.app import LeadershipLostError, Operator
from logscan_operator.kube import Connection
from logscan_operator.settings import Settings
from logscan_operator.watching import Watcher

log = logging.getLogger("logscan")


async def serve(config: Settings, connection: Connection, stop: asyncio.Event) -> None:
    """Run the operator until `stop` is set or a part of it breaks."""
    operator = Operator(config, connection)
    _catch_signals(stop)
    await operator.run(stop, Watcher(operator.view, connection).watch)


async def _run_and_end(config: Settings) -> None:
    """Run the operator, then end the process then and there.

    What is in hand is finished by then, or another process may be doing it already (the lead was lost). Threads that
    wait for an answer of AWS or of an API server that is gone would keep a dead operator alive.
    """
    code = 1
    try:
        await serve(config, Connection(), asyncio.Event())
        code = 0
    except LeadershipLostError as error:
        log.error("ending at once: %s", error)
    except BaseException:
        log.exception("the operator broke")
    logging.shutdown()
    os._exit(code)


def _spare_the_collector() -> None:
    """Let the garbage collector run less often.

    Nearly everything is freed by reference counts; with thousands of objects of the cluster in memory, walking over
    them at Python's default pace is a sixth of the operator's CPU (benchmarks/README.md).
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _catch_signals(stop: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT end the work; what is in hand is finished first."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)


def main(arguments: list[str] | None = None) -> None:
    """Start the operator."""
    parser = argparse.ArgumentParser(prog="logscan-operator", description="The operator of logscan.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--check", action="store_true", help="only tell whether it could work here")
    chosen = parser.parse_args(arguments)
    config = settings.load()
    if chosen.check:
        raise SystemExit(preflight.main(config, Connection()))
    logs.set_up(config.log_level)
    log.info("starting", extra={"version": __version__, "namespace": config.namespace})
    _spare_the_collector()
    asyncio.run(_run_and_end(config))


if __name__ == "__main__":
    main()
