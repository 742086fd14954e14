"""The runtime of a Docker-compatible engine, without a cluster: what it cleans up, and what it leaves alone."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from logscan_local.stack import cgroups, engine
from logscan_local.stack.engine import EngineError
from logscan_local.stack.node.docker_runtime import OWNER_LABEL, DockerRuntime
from logscan_local.stack.node.runtime import Ending, ImageMissingError, Launch
from logscan_local.stack.node.security import Security
from logscan_tools.imagebuild import LOCAL_BASE

IMAGE = os.environ.get("LOGSCAN_TEST_BASE", LOCAL_BASE)


def problem() -> str | None:
    """Return why there is nothing to test with, if so."""
    try:
        engine.require([IMAGE])
    except EngineError as error:
        return str(error)
    return None


PROBLEM = problem()
if PROBLEM and os.environ.get("LOGSCAN_TEST_ENGINE") == "required":
    pytest.fail(f"this machine must have an engine: {PROBLEM}", pytrace=False)
pytestmark = [pytest.mark.engine, pytest.mark.skipif(PROBLEM is not None, reason=str(PROBLEM))]


def launch(folder: Path, name: str, code: str, memory: int | None = None) -> Launch:
    return Launch(
        name=f"{folder.name}-{os.getpid()}-{name}",
        labels={},
        image=IMAGE,
        hostname=name,
        command=("python3", "-c", code),
        args=None,
        env={"A": "b"},
        working_dir=None,
        mounts=(),
        security=Security(uid=1000860000, gid=0, read_only_root=True, escalation=False, drop=("ALL",)),
        memory_limit=memory,
        cpu_limit=None,
        log=folder / f"{name}.log",
        scratch=folder,
    )


def of(owner: str) -> list[str]:
    """Return the containers that carry an owner's label."""
    command = ["docker", "ps", "--all", "--quiet", f"--filter=label={OWNER_LABEL}={owner}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


async def test_a_node_removes_its_own_containers_and_nobody_elses(tmp_path: Path) -> None:
    mine, other = f"{tmp_path}/mine", f"{tmp_path}/other"
    first, second = await DockerRuntime.connect(mine), await DockerRuntime.connect(other)
    try:
        for runtime, name in ((first, "one"), (second, "two")):
            await runtime.start(launch(tmp_path, name, "import time; time.sleep(600)"))
        assert (len(of(mine)), len(of(other))) == (1, 1)
        await first.clean()
        assert (len(of(mine)), len(of(other))) == (0, 1)
    finally:
        await second.clean()
        await first.aclose()
        await second.aclose()
    assert of(other) == []


@pytest.mark.parametrize(
    ("code", "memory", "ending"),
    [
        ("raise SystemExit(7)", None, Ending(7, False)),
        ("import os; os.kill(os.getpid(), 9)", None, Ending(0, False)),  # process 1 cannot kill itself
        ("x = bytearray(200 << 20)", 64 << 20, Ending(137, True)),
    ],
)
async def test_how_a_container_ended(tmp_path: Path, code: str, memory: int | None, ending: Ending) -> None:
    runtime = await DockerRuntime.connect(str(tmp_path))
    try:
        running = await runtime.start(launch(tmp_path, "ends", code, memory))
        assert await running.ending == ending
        await running.signal(15)  # nothing happens
    finally:
        await runtime.aclose()
    assert of(str(tmp_path)) == []


async def test_output_is_kept_from_the_first_byte_to_the_last(tmp_path: Path) -> None:
    code = "import os\nfor n in range(20000): print(n)\nos.write(2, b'\\xff end')"
    runtime = await DockerRuntime.connect(str(tmp_path))
    try:
        await (await runtime.start(launch(tmp_path, "talks", code))).ending
    finally:
        await runtime.aclose()
    output = (tmp_path / "talks.log").read_bytes()
    assert output.count(b"\xff end") == 1
    # The two streams are two pipes, so where the one meets the other is chance.
    assert output.replace(b"\xff end", b"") == b"".join(b"%d\n" % n for n in range(20000))


async def test_a_command_inside_and_what_its_group_used(tmp_path: Path) -> None:
    runtime = await DockerRuntime.connect(str(tmp_path))
    try:
        running = await runtime.start(launch(tmp_path, "inside", "import time; time.sleep(600)"))
        assert await running.execute(["sh", "-c", "test $A = b"]) == 0
        assert await running.execute(["false"]) == 1
        name = running.identifier.removeprefix("docker://")
        inspect = ["docker", "inspect", "--format={{.State.Pid}}", name]
        pid = int(await asyncio.to_thread(subprocess.check_output, inspect))
        assert 0 < cgroups.cpu_seconds(pid) < 60
        assert 1 << 20 < cgroups.peak_bytes(pid) < 1 << 30
    finally:
        await runtime.clean()
        await runtime.aclose()


async def test_images_that_are_not_there(tmp_path: Path) -> None:
    runtime = await DockerRuntime.connect(str(tmp_path))
    try:
        with pytest.raises(ImageMissingError, match="not present with pull policy of Never") as raised:
            await runtime.image("nobody/knows:1", "Never")
        assert raised.value.reason == "ErrImageNeverPull"
        assert (await runtime.image(IMAGE, "Never")).identifier.startswith("sha256:")
    finally:
        await runtime.aclose()


def test_an_image_that_was_not_built_is_named() -> None:
    with pytest.raises(EngineError, match=r"no image nobody/knows:1: run `make images`"):
        engine.require(["nobody/knows:1"])
