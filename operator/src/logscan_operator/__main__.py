"""`python -m logscan_operator`: run the operator until SIGTERM."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import threading
from typing import Any

import kopf

from logscan_operator import __version__, handlers, logs, preflight, settings
from logscan_operator.app import LeadershipLostError, Operator
from logscan_operator.kube import Connection
from logscan_operator.settings import Settings

# Peers are told apart by it, and there are none. Without one kopf asks for the user's name, which no arbitrary
# numeric user of a container has.
IDENTITY: Any = "logscan-operator"

log = logging.getLogger("logscan")


async def serve(config: Settings, connection: Connection, stop: asyncio.Event) -> None:
    """Run the operator until `stop` is set or a part of it breaks."""
    operator = Operator(config, connection)
    watching_ready, end_watching = asyncio.Event(), asyncio.Event()
    watching = asyncio.create_task(
        kopf.operator(
            registry=handlers.build_registry(operator.view, connection),
            settings=handlers.operator_settings(),
            namespaces=config.namespaces,
            standalone=True,
            identity=IDENTITY,
            ready_flag=watching_ready,
            stop_flag=end_watching,
        )
    )
    working = asyncio.create_task(operator.run(stop))
    signals = asyncio.create_task(_catch_signals(watching_ready, stop))
    await asyncio.wait([watching, working], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    signals.cancel()
    if watching.done():  # kopf broke, or a signal came before its watches stood; it takes every other task with it
        await asyncio.gather(working, return_exceptions=True)
    else:
        await working
        end_watching.set()
    await watching


async def _run_and_end(config: Settings) -> None:
    """Run the operator, then end the process then and there.

    What is in hand is finished by then, or another process may be doing it already (the lead was lost). kopf's own
    tasks can outlast their cancellation for ever when the API server is gone, and would keep a dead operator alive.
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


async def _catch_signals(watching_ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Replace kopf's own handlers, which would end the watches before the work in hand is finished."""
    await watching_ready.wait()
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
