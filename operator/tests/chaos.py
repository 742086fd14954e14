"""Two operators under faults: killed at named steps, cut off, and with an API server and an AWS that fail."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Self

from places import Background, Place
from proxies import Faults, Proxy, Step
from queues import DeadLetters

from logscan_local.stack import aws
from logscan_local.stack.kubectl import KubectlError
from logscan_local.testkit.operators import OperatorProcess
from logscan_local.testkit.waiting import eventually

RECEIVES = 30  # as Terraform's queue
LEASE_SECONDS = 5
STEPS = (
    Step("after", "receive"),
    Step("after", "create LogScan"),
    Step("before", "delete"),
    Step("after", "delete"),
    Step("after", "create Job"),
    Step("before", "write status"),
    Step("after", "read row"),
)


class Member(NamedTuple):
    """One of the operators, with its ways to both servers."""

    operator: OperatorProcess
    api: Proxy
    aws: Proxy


class Chaos:
    """A place with two operators and what disturbs them; a context manager.

    Attributes:
        takeovers: Seconds from each end of a leader to the next leader.
        faults: The faults of the calls to AWS.
        stalls: For each loop, the longest time without progress that was seen.
        slowest: The longest time in which an operator answered a GET of its metrics.
    """

    def __init__(self, place: Place, seed: int, limit: int, batched: bool = False) -> None:
        """Start nothing yet.

        Args:
            place: The place.
            seed: For all that is drawn.
            limit: The limit of concurrent Jobs.
            batched: Whether a LogScan may be of several objects, so that scans do not count objects.
        """
        self._batched = batched
        self.place, self.limit = place, limit
        self.chance = random.Random(seed)
        self.dead_letters = DeadLetters(place, RECEIVES)
        self.faults = Faults(seed)
        self.takeovers: list[float] = []
        self.stalls: Counter[str] = Counter()
        self.slowest = 0.0
        self.stuck: set[str] = set()
        self._keys: set[str] = set()
        self._proxies = [(place.api_proxy(), Proxy(place.state.resources.endpoint, None, self.faults)) for _ in "ab"]
        self._background = Background(*(proxy.serve for pair in self._proxies for proxy in pair))
        self._members: list[Member] = []
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._measure)

    def __enter__(self) -> Self:
        self._background.__enter__()
        for pair in self._proxies:
            assert all(proxy.served.wait(10) for proxy in pair)
            self._members.append(Member(self._operator(*pair), *pair))
        self.leader()
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()
        for member in self._members:
            member.api.restore()
            member.aws.restore()
            with suppress(ProcessLookupError):
                member.operator.kill()
        self._background.__exit__()

    def send(self, versions: int, messages: int) -> None:
        """Send messages for object versions, some of them repeated, in random order."""
        self._post(self._drawn(versions, messages))

    @contextmanager
    def sending(self, versions: int, messages: int) -> Iterator[None]:
        """Send the same while other things happen: batches are scanned faster than thousands of messages are sent."""
        thread = threading.Thread(target=self._post, args=[self._drawn(versions, messages)])
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def _drawn(self, versions: int, messages: int) -> list[str]:
        keys = [f"{self.place.namespace}/{number}.log" for number in range(versions)]
        self._keys.update(keys)
        sent = [*keys, *self.chance.choices(keys, k=messages - versions)]
        self.chance.shuffle(sent)
        return sent

    def _post(self, keys: list[str]) -> None:
        for number, key in enumerate(keys):
            self.place.send([key], repeat=str(number))

    def progress(self, count: int) -> None:
        """Return once some more objects were scanned, or all of them."""
        done = self.scanned if self._batched else self.succeeded
        goal = min(done() + count, len(self._keys))
        eventually(lambda: done() >= goal, 180, lambda: f"{goal} objects to be scanned ({self._state()}); this")

    def succeeded(self) -> int:
        """Return how many scans have succeeded; 0 while the API server does not answer."""
        self._restart_ended()
        with suppress(KubectlError):
            return self.place.phases().get("Succeeded", 0)
        return 0

    def scanned(self) -> int:
        """Return how many objects have a row."""
        self._restart_ended()
        return len(self.rows())

    def kill_again_and_again(self, between: int, random_kills: int) -> None:
        """Kill the leader at each step and some times at random, with some progress after each."""
        for step in STEPS:
            self.kill_at(step)
            self.progress(between)
        for _ in range(random_kills):
            self.kill_at_random()
            self.progress(between)

    def kill_at(self, step: Step) -> None:
        """Kill the leader (-9) at a step, but not the operator that takes over and reaches the same step."""
        sprung = threading.Event()
        of_aws = step.call in ("receive", "delete", "read row")
        proxies = [member.aws if of_aws else member.api for member in self._members]

        def kill(member: Member) -> None:
            for proxy in proxies:
                proxy.disarm()
            member.operator.process.kill()
            sprung.set()

        for member, proxy in zip(self._members, proxies, strict=True):
            proxy.arm(step, lambda member=member: kill(member))  # type: ignore[misc]

        def reached() -> bool:
            self._restart_ended()
            return sprung.is_set()

        eventually(reached, 120, lambda: f"{step} to be reached ({self._state()}); this")
        self._time_takeover()

    def kill_at_random(self) -> None:
        """Kill the leader (-9) at a random moment."""
        self._ended.wait(self.chance.uniform(0, 1.5))
        self.leader().operator.process.kill()
        self._time_takeover()

    def restart_api_server(self) -> None:
        """Kill the API server and start it again."""
        self.place.stack.restart("kube-apiserver")
        eventually(self._api_server_answers, 90, "the API server to answer")

    def cut_off_the_leader(self) -> None:
        """Let nothing pass between the leader and both servers until another one leads, and some seconds more."""
        member, began = self.leader(), time.monotonic()
        member.api.cut_off()
        member.aws.cut_off()
        other = next(one for one in self._members if one is not member)
        eventually(lambda: other.operator.leading, 60, "the other one to lead")
        self.takeovers.append(time.monotonic() - began)
        self.progress(5)
        member.api.restore()  # what it had on the way arrives now, long after
        member.aws.restore()

    def rows(self) -> Counter[str]:
        """Return how many rows each object has in the table."""
        pages = aws.client("dynamodb", self.place.state.resources.endpoint).get_paginator("scan")
        found = (item for page in pages.paginate(TableName=self.place.state.resources.table) for item in page["Items"])
        of_objects = (item for item in found if "#O#" in item["pk"]["S"])  # not the sums of several
        return Counter(key for item in of_objects if (key := item.get("key", {}).get("S")) in self._keys)

    def _time_takeover(self) -> None:
        began = time.monotonic()
        self.leader()
        self.takeovers.append(time.monotonic() - began)
        self._restart_ended()

    def _operator(self, api: Proxy, aws_proxy: Proxy) -> OperatorProcess:
        settings = {
            "max_concurrent": str(self.limit),
            "max_unfinished": "60",
            "max_finished": "10000",
            "lease_seconds": str(LEASE_SECONDS),
        }
        return self.place.operator(self.place.kubeconfig_for(api), aws_proxy.url, **settings)

    def leader(self) -> Member:
        """Return the member that leads, once one does."""
        member = eventually(self._leading, 60, "a leader")
        assert member is not None
        return member

    def _leading(self) -> Member | None:
        """Return the member that leads, if one that runs does."""
        running = (member for member in self._members if member.operator.process.poll() is None)
        return next((member for member in running if member.operator.leading), None)

    def _restart_ended(self) -> None:
        for member in self._members:
            member.operator.restart_if_ended()

    def _api_server_answers(self) -> bool:
        with suppress(KubectlError):
            return bool(self.place.kubectl.run("get", "--raw", "/readyz"))
        return False

    def _measure(self) -> None:
        """Read the progress of the loops of both operators, four times a second."""
        while not self._ended.wait(0.25):
            for member in self._members:
                began = time.monotonic()
                state = json.loads(member.operator.ask("/healthz") or "{}")
                if "stuck" not in state:  # killed, or starting
                    continue
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.stuck.update(state["stuck"])
                for loop, age in state["secondsSinceProgress"].items():
                    self.stalls[loop] = max(self.stalls[loop], age)

    def _state(self) -> str:
        with suppress(KubectlError):
            said = [member.operator.ask("/readyz") for member in self._members]
            return f"{self.place.phases()}; {said}"
        return "the API server does not answer"
