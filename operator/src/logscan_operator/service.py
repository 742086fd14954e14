"""The operator as a process: settings, logging, the garbage collector, and the exit code."""

import asyncio
import gc
import logging

import uvloop

from logscan_api import logs
from logscan_operator import __version__, settings
from logscan_operator.app import LeadershipLostError, Operator
from logscan_operator.handlers import Process, run_process
from logscan_operator.kube import Connection
from logscan_operator.settings import Settings
from logscan_operator.starting import Probes
from logscan_operator.watching import Watcher

# What kopf adds to log records; neither is a fact.
KOPF_EXTRAS = ("settings", "k8s_ref")

log = logging.getLogger("logscan")


async def serve(config: Settings, connection: Connection, stop: asyncio.Event, probes: Probes) -> None:
    """Run the operator until a signal, until `stop` is set, or until a part of it fails.

    Args:
        config: The settings.
        connection: The API server.
        stop: Set by whoever wants the operator to end.
        probes: Answers over HTTP until the operator does.

    Raises:
        LeadershipLostError: The Lease was lost.
        Exception: A part failed with this error.
    """
    operator = Operator(config, connection, probes.hand_over)
    watcher = Watcher(operator.view, connection)
    await run_process(Process(operator, watcher.watch, stop))


def _spare_the_collector() -> None:
    """Let the garbage collector run less often.

    Nearly everything is freed by reference counts; with thousands of objects of the cluster in memory, walking over
    them at Python's default pace is a sixth of the operator's CPU (benchmarks/README.md).
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def main(probes: Probes | None) -> int:
    """Run the operator and return the exit code of the process.

    Args:
        probes: Answers over HTTP meanwhile; None if the environment names no port.
    """
    config = settings.load()
    logs.set_up(config.log_level, left_out=KOPF_EXTRAS)
    log.info("starting", extra={"version": __version__, "namespace": config.namespace})
    _spare_the_collector()
    try:
        uvloop.run(serve(config, Connection(), asyncio.Event(), probes or Probes(config.http_port)))
    except LeadershipLostError as error:
        log.error("ending: %s", error)
        return 1
    except Exception:
        log.exception("the operator failed")
        return 1
    return 0
