"""The first seconds of an operator's life, as real processes under a numeric user that has no name."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from logscan_local.stack.ports import free_ports
from logscan_local.testkit.signals import AS_PID_1, can_run, catches_sigterm, pid_within
from logscan_local.testkit.waiting import eventually
from logscan_operator.starting import Probes

PROGRAM = [sys.executable, "-m", "logscan_operator"]
NAMELESS = ["unshare", "--user", "--map-user=65532", "--map-group=65532"]
NAMELESS_AS_PID_1 = [*NAMELESS, *AS_PID_1[2:]]
MOMENTS = [round(random.Random(number).uniform(0, 4), 3) for number in range(4)]
LISTENING_CPU_SECONDS = 1.0
SERVING_CPU_SECONDS = 3.0


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What an operator needs to start: neither HOME nor USER, and servers that take a connection and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
        (tmp_path / "current").write_text("k" * 32)
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        yield {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "AWS_ENDPOINT_URL": server,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "LOGSCAN_NAMESPACE": "logscan",
            "LOGSCAN_QUEUE_URLS": f"{server}/queue",
            "LOGSCAN_TABLE": "results",
            "LOGSCAN_SIGNING_KEYS": str(tmp_path),
            "LOGSCAN_SCANNER_IMAGE": "scanner",
            "LOGSCAN_HTTP_PORT": str(free_ports(1)[0]),
        }


def get(port: int | str, path: str, host: str = "127.0.0.1") -> tuple[int, object]:
    """Return status and JSON of an answer; status 0 if there is none."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except OSError:
        return 0, None


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used (proc(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.stress
@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGINT, None), (signal.SIGTERM, None), *((signal.SIGTERM, at) for at in MOMENTS)]
)
@pytest.mark.parametrize("prefix", [[], NAMELESS_AS_PID_1], ids=["child", "pid-1"])
def test_a_signal_during_the_start_is_never_lost(
    environment: dict[str, str], prefix: list[str], moment: float | None, number: signal.Signals
) -> None:
    if prefix and not can_run(prefix):
        pytest.skip("this machine lets nobody make a namespace of processes")
    with subprocess.Popen([*prefix, *PROGRAM], env=environment, stderr=subprocess.DEVNULL) as process:
        pid = pid_within(process) if prefix else process.pid
        # Before Python has run its first line nobody can handle a signal; to PID 1 the kernel does not even deliver it.
        eventually(lambda: catches_sigterm(pid), 60, "a handler")
        time.sleep(moment or 0)  # a moment of the start; not a wait for anything
        os.kill(pid, number)
        assert process.wait(60) == 0


def test_probes_are_answered_before_anything_large_is_imported(environment: dict[str, str], tmp_path: Path) -> None:
    prefix = NAMELESS if can_run(NAMELESS) else []  # which becomes the program, so that it has its number
    port = environment["LOGSCAN_HTTP_PORT"]
    with (tmp_path / "log").open("wb") as log, ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen([*prefix, *PROGRAM], env=environment, stderr=log))
        stack.callback(process.kill)
        first = eventually(lambda: (answer := get(port, "/healthz"))[0] and answer, 60, "an answer")
        assert cpu_seconds(process.pid) < LISTENING_CPU_SECONDS
        assert first == (200, {"starting": True})
        eventually(lambda: "stuck" in str(get(port, "/healthz")[1]), 120, "the operator's own answer")
        assert cpu_seconds(process.pid) < SERVING_CPU_SECONDS
        assert get(port, "/readyz")[0] == 503
        process.terminate()
        assert process.wait(60) == 0


def test_a_port_that_is_taken_ends_the_start(environment: dict[str, str]) -> None:
    with socket.create_server(("", 0)) as other:
        environment["LOGSCAN_HTTP_PORT"] = str(other.getsockname()[1])
        ended = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("LOGSCAN_HTTP_PORT: cannot listen on the port: ")
    environment["LOGSCAN_HTTP_PORT"] = "web"
    ended = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("LOGSCAN_HTTP_PORT: must be a whole number")


def test_only_healthz_is_well_while_the_operator_starts() -> None:
    probes = Probes(0)
    try:
        for path, status in {"/healthz": 200, "/readyz": 503, "/metrics": 503, "/healthzzz": 503}.items():
            assert get(probes.port, path) == (status, {"starting": True})
        if socket.has_dualstack_ipv6():
            assert get(probes.port, "/healthz", "[::1]")[0] == 200
    finally:
        probes.hand_over().close()


def test_a_start_without_end_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logscan_operator.starting.START_SECONDS", -1.0)
    probes = Probes(0)
    try:
        assert get(probes.port, "/healthz")[0] == 503
    finally:
        probes.hand_over().close()


def test_clients_that_say_nothing_or_too_much_do_no_harm() -> None:
    probes = Probes(0)
    try:
        address = ("127.0.0.1", probes.port)
        with socket.create_connection(address) as silent, socket.create_connection(address) as endless:
            endless.sendall(b"x" * 5000)
            with closing(socket.create_connection(address)):
                pass
            assert get(probes.port, "/healthz")[0] == 200
            silent.close()
    finally:
        probes.hand_over().close()


async def test_the_real_server_takes_over_without_a_gap() -> None:
    probes, answers, enough = Probes(0), [], threading.Event()

    def ask() -> None:
        while not enough.is_set():
            answers.append(get(probes.port, "/healthz"))

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"real": True})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    asking = [asyncio.create_task(asyncio.to_thread(ask)) for _ in range(4)]
    await asyncio.to_thread(eventually, lambda: len(answers) > 20, 30, "answers of the probes")
    await web.SockSite(runner, probes.hand_over()).start()
    await asyncio.to_thread(eventually, lambda: answers.count((200, {"real": True})) > 20, 30, "real answers")
    enough.set()
    await asyncio.gather(*asking)
    await runner.cleanup()
    assert [answer for answer in answers if answer[0] != 200] == []


BREAKS = {
    # kopf came as far as to ask the API server, which is not there.
    "nothing": ("", "FAILED  start the watches: ClientConnectorError", "ok      check rules"),
    # What no numeric user of a container has, kopf would ask for.
    "the user's name": (
        "handlers.IDENTITY = None",
        r"FAILED  start the watches: (KeyError|OSError)",
        "ok      check rules",
    ),
    "the engine": (
        "rulechecks.check.__defaults__ = (['/nowhere'], None)",
        "FAILED  start the watches: ClientConnectorError",
        "FAILED  check rules: the rules could not be checked",
    ),
}


@pytest.mark.stress
@pytest.mark.parametrize(("broken", "watches", "rules"), BREAKS.values(), ids=BREAKS)
def test_the_check_starts_what_the_operator_starts(
    environment: dict[str, str], broken: str, watches: str, rules: str
) -> None:
    if not can_run(NAMELESS):
        pytest.skip("this machine lets nobody become another user")
    closed = f"http://127.0.0.1:{free_ports(1)[0]}"
    config = Path(environment["KUBECONFIG"])
    config.write_text(config.read_text().replace(environment["AWS_ENDPOINT_URL"], closed))
    environment |= {"AWS_ENDPOINT_URL": closed, "AWS_MAX_ATTEMPTS": "1"}
    text = f"from logscan_operator import handlers, preflight, rulechecks\n{broken}\nraise SystemExit(preflight.main())"
    command = [*NAMELESS, sys.executable, "-c", text]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    assert ended.returncode == 1  # there is no API server
    assert lines[0] == "ok      answer probes"
    assert re.match(watches, lines[1])
    assert lines[2].startswith(rules)
    assert [line for line in lines[3:] if not line.startswith("FAILED")] == []
