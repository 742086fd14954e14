"""How AWS is called: in a thread, with errors of the operator's own.

boto3 blocks, and a call in it cannot be interrupted. So each runs in a thread, and in a daemon thread: Python's own
pools are joined when the process ends, and a process that has lost the lead would stay for as long as a queue does
not answer. A thread that has made its call waits for the next one: to start one for each costs 60 µs more.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from logscan_operator.errors import AwsError

Result = TypeVar("Result")


def client(service: str, config: Config) -> Any:
    """Return a client for the region in `AWS_REGION`, which boto3 itself does not read (only AWS_DEFAULT_REGION).

    The session is its own: the one that boto3 shares in a process is not safe for threads, and keeps the credentials
    that it found first.
    """
    session = boto3.Session()
    return session.client(service, region_name=os.environ.get("AWS_REGION"), config=config)  # type: ignore[call-overload]


@contextmanager
def own_errors() -> Iterator[None]:
    """Turn what botocore raises into an error of ours.

    Raises:
        AwsError: AWS refused the call or did not answer.
    """
    try:
        yield
    except ClientError as error:
        raise AwsError(str(error), error.response.get("Error", {}).get("Code", "")) from error
    except BotoCoreError as error:
        raise AwsError(str(error)) from error


class _Threads:
    """Daemon threads, as many as there ever was work for at once."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = threading.Semaphore(0)

    def start(self, work: Callable[[], None]) -> None:
        """Have something done at once. It must not raise."""
        self._work.put(work)
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._serve, name="aws", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._work.get()()
            self._idle.release()


_threads = _Threads()


async def in_a_thread(call: Callable[[], Result]) -> Result:
    """Return what a call returns that is made in a daemon thread; if this is cancelled, the call goes on.

    Raises:
        Exception: What the call raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(settled: Callable[[], None]) -> None:
        if not done.done():  # else whoever waited was cancelled
            settled()

    def run() -> None:
        try:
            settled = partial(done.set_result, call())
        except Exception as error:  # it is raised where the call is awaited
            settled = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: the process is ending
            loop.call_soon_threadsafe(settle, settled)

    _threads.start(run)
    return await done
