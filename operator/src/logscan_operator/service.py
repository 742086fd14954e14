"""The operator as a process: from its settings to the end that a signal or an error puts to it."""

import asyncio
import gc
import logging
import os
import signal
import threading

from logscan_api import logs
from logscan_operator import __version__, settings
from logscan_operator.app import LeadershipLostError, Operator
from logscan_operator.kube import Connection
from logscan_operator.settings import Settings
from logscan_operator.starting import Probes
from logscan_operator.watching import Watcher

# What kopf adds to log records; neither is a fact.
KOPF_EXTRAS = ("settings", "k8s_ref")

log = logging.getLogger("logscan")


async def serve(config: Settings, connection: Connection, stop: asyncio.Event, probes: Probes) -> None:
    """Run the operator until `stop` is set or a part of it breaks.

    Args:
        config: The settings.
        connection: The API server.
        stop: Set by SIGTERM and SIGINT, and by whoever runs the operator otherwise.
        probes: Who answers over HTTP until the operator does.
    """
    stop_on_signals(stop)
    operator = Operator(config, connection, probes.hand_over)
    await operator.run(stop, Watcher(operator.view, connection).watch)


async def _run_and_end(config: Settings, probes: Probes) -> None:
    """Run the operator, then end the process then and there.

    What is in hand is finished by then, or another process may be doing it already (the lead was lost). Threads that
    wait for an answer of AWS or of an API server that is gone would keep a dead operator alive.
    """
    code = 1
    try:
        await serve(config, Connection(), asyncio.Event(), probes)
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


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT set an event, from within the main thread's event loop."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)


def main(probes: Probes | None) -> None:
    """Run the operator and end the process.

    Args:
        probes: Who answers over HTTP meanwhile; None if the environment names no port.
    """
    config = settings.load()
    logs.set_up(config.log_level, left_out=KOPF_EXTRAS)
    log.info("starting", extra={"version": __version__, "namespace": config.namespace})
    _spare_the_collector()
    asyncio.run(_run_and_end(config, probes or Probes(config.http_port)))
