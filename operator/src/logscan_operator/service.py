"""The operator as a process: from its settings to the end that a signal or an error puts to it."""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import kopf

from logscan_operator import __version__, handlers, logs, settings
from logscan_operator.app import LeadershipLostError, Operator
from logscan_operator.kube import Connection
from logscan_operator.settings import Settings
from logscan_operator.starting import Probes
from logscan_operator.view import View

# Peers are told apart by it, and there are none. Without one kopf asks for the user's name, which no arbitrary
# numeric user of a container has.
IDENTITY: Any = "logscan-operator"

log = logging.getLogger("logscan")


def watch(
    config: Settings, connection: Connection, view: View, ready: asyncio.Event, end: asyncio.Event
) -> Coroutine[Any, Any, None]:
    """Return kopf's operator, which feeds a view from its watches.

    Args:
        config: The settings.
        connection: The API server.
        view: What is fed.
        ready: Set once the watches begin.
        end: Ends them when it is set.
    """
    return kopf.operator(
        registry=handlers.build_registry(view, connection),
        settings=handlers.operator_settings(),
        namespaces=config.namespaces,
        standalone=True,
        identity=IDENTITY,
        ready_flag=ready,
        stop_flag=end,
    )


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
    watching_ready, end_watching = asyncio.Event(), asyncio.Event()
    watching = asyncio.create_task(watch(config, connection, operator.view, watching_ready, end_watching))
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


async def _run_and_end(config: Settings, probes: Probes) -> None:
    """Run the operator, then end the process then and there.

    What is in hand is finished by then, or another process may be doing it already (the lead was lost). kopf's own
    tasks can outlast their cancellation for ever when the API server is gone, and would keep a dead operator alive.
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


async def _catch_signals(watching_ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Replace kopf's own handlers, which would end the watches before the work in hand is finished."""
    await watching_ready.wait()
    stop_on_signals(stop)


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
    logs.set_up(config.log_level)
    log.info("starting", extra={"version": __version__, "namespace": config.namespace})
    _spare_the_collector()
    asyncio.run(_run_and_end(config, probes or Probes(config.http_port)))
