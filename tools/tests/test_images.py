"""Building images: by which tool, of which version and packages. `make images-check` builds and runs them."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from logscan_tools import dockerfiles, enginewheel, imagebuild
from logscan_tools.imagebuild import ImageError
from logscan_tools.paths import REPOSITORY, platform_name
from logscan_tools.polling import poll

EVERY = [*dockerfiles.DOCKERFILES.values(), *dockerfiles.DEMO.values()]


def test_without_a_tool_no_image_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="none of docker, podman, buildah works"):
        imagebuild.tool()
    # A client without an engine is no tool.
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\nexit 1\n")
    client.chmod(0o755)
    with pytest.raises(ImageError, match="install one to build images"):
        imagebuild.tool()
    engine = tmp_path / "podman"
    engine.write_text("#!/bin/sh\nexit 0\n")
    engine.chmod(0o755)
    assert imagebuild.tool() == "podman"
    monkeypatch.setenv("LOGSCAN_IMAGE_TOOL", "buildah")
    with pytest.raises(ImageError, match="none of buildah works"):
        imagebuild.tool()


def test_a_build_shows_its_lines_as_they_come(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each build says its first step, then waits until the test has seen it."""
    gate, tool = tmp_path / "gate", tmp_path / "tool"
    os.mkfifo(gate)
    tool.write_text(f'#!/bin/sh\necho Step 1\nread word < {gate}\necho "Step 2: $word" >&2\n')
    tool.chmod(0o755)
    with ThreadPoolExecutor(1) as pool:
        names = pool.submit(imagebuild.build, str(tool), "1")
        for _ in dockerfiles.DOCKERFILES:
            poll(lambda: "  Step 1\n" in capfd.readouterr().err, 30, "the first step to be shown")
            gate.write_text("go on\n")
        assert names.result() == ["localhost/logscan-operator:1", "localhost/logscan-scanner:1"]
    assert "  Step 2: go on\n" in capfd.readouterr().err


def test_what_cannot_be_built_for_a_platform_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(imagebuild, "BINFMT", tmp_path)
    own = platform_name()[1]
    (other,) = imagebuild.QEMU.keys() - {own}
    imagebuild.require_platforms([f"linux/{own}"], imagebuild.LOCAL)
    with pytest.raises(ImageError, match=f"this machine is linux/{own} and runs no programs of {other}"):
        imagebuild.require_platforms([f"linux/{own}", f"linux/{other}"], None)
    (tmp_path / f"qemu-{imagebuild.QEMU[other]}").touch()
    imagebuild.require_platforms([f"linux/{own}", f"linux/{other}"], None)
    with pytest.raises(ImageError, match=f"BASE=local is built for linux/{own} only"):
        imagebuild.require_platforms([f"linux/{other}"], imagebuild.LOCAL)
    with pytest.raises(ImageError, match="there are no images for linux/s390x: use linux/amd64, linux/arm64"):
        imagebuild.require_platforms(["linux/s390x"], None)


def test_a_base_by_digest_is_in_the_labels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\necho "$@"\n')
    tool.chmod(0o755)
    imagebuild.build(str(tool), "1", "python:3.13@sha256:12", platform="linux/arm64", source="https://example.com/x")
    seen = capfd.readouterr().err
    for wanted in ("BASE=python:3.13@sha256:12", "BASE_DIGEST=sha256:12", "SOURCE=https://example.com/x"):
        assert seen.count(f" --build-arg={wanted}") == len(dockerfiles.DOCKERFILES)
    assert seen.count(" --platform=linux/arm64") == len(dockerfiles.DOCKERFILES)


def test_a_build_that_fails_ends_after_its_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho no space left on device\nexit 3\n")
    tool.chmod(0o755)
    with pytest.raises(ImageError, match=r"ended with 3: see its output above"):
        imagebuild.build(str(tool), "1")
    assert "  no space left on device\n" in capfd.readouterr().err


def test_a_local_base_gets_the_engine_as_a_wheel_of_this_machine(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagebuild, "local_base", lambda: "debian")
    offered = enginewheel.ENGINE / "dist"
    tool = tmp_path / "tool"
    tool.write_text(f'#!/bin/sh\necho "$@"; ls {offered}\n')
    tool.chmod(0o755)
    imagebuild.build(str(tool), "1", "local")
    assert not offered.exists()
    seen = capfd.readouterr().err
    assert seen.count("--build-arg=BASE=debian --build-arg=RUST=debian") == len(dockerfiles.DOCKERFILES)
    assert seen.count(f"  logscan_engine-{imagebuild.VERSION}-cp311-abi3-manylinux_") == len(dockerfiles.DOCKERFILES)


def test_another_base_gets_it_compiled_by_the_build(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    offered = enginewheel.ENGINE / "dist"
    offered.mkdir()
    (offered / "logscan_engine-0.0.9-cp311-abi3-linux_x86_64.whl").touch()
    tool = tmp_path / "tool"
    tool.write_text(f'#!/bin/sh\necho "$@"; test ! -e {offered}\n')
    tool.chmod(0o755)
    imagebuild.build(str(tool), "1", "registry/python", "registry/rust")
    seen = capfd.readouterr().err
    assert seen.count("--build-arg=BASE=registry/python --build-arg=RUST=registry/rust") == len(dockerfiles.DOCKERFILES)


def test_all_images_compile_the_engine_by_the_same_steps() -> None:
    """So that the second build finds them in the first one's cache."""
    stage = re.compile(r"^FROM \$\{RUST\} AS engine\n.*?(?=^FROM )", re.DOTALL | re.MULTILINE)
    found = [stage.findall((REPOSITORY / dockerfile).read_text()) for dockerfile in EVERY]
    assert len(found[0]) == 1
    assert found == [found[0]] * len(EVERY)


def test_images_run_as_a_user_with_a_number() -> None:
    """Kubernetes cannot tell whether a user with a name is root (`runAsNonRoot`)."""
    for dockerfile in EVERY:
        text = (REPOSITORY / dockerfile).read_text()
        assert "USER 65532:65532" in text


def test_images_are_built_from_what_is_locked() -> None:
    """Each image's lock is a part of the workspace's."""
    whole = (REPOSITORY / "requirements.lock").read_text()
    for lock in ("operator/image.lock", "scanner-job/image.lock", "local/embedded/image.lock"):
        pins = re.findall(r"^[a-z0-9.-]+==\S+", (REPOSITORY / lock).read_text(), re.MULTILINE)
        assert len(pins) > 10
        assert [pin for pin in pins if pin not in whole] == []
