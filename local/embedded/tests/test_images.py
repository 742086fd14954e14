"""Building images: by which tool, of which version and packages. `make images-check` builds and runs them."""

import re
from pathlib import Path

import pytest
import yaml

from logscan_local import imagebuild
from logscan_local.imagebuild import ImageError
from logscan_local.paths import REPOSITORY


def test_without_a_tool_no_image_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="none of docker, podman, buildah works here"):
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
    with pytest.raises(ImageError, match="none of buildah works here"):
        imagebuild.tool()


def test_images_and_chart_have_one_version() -> None:
    chart = yaml.safe_load((REPOSITORY / "manifests" / "chart" / "Chart.yaml").read_text())
    assert chart["appVersion"] == imagebuild.VERSION
    for dockerfile in imagebuild.DOCKERFILES.values():
        text = (REPOSITORY / dockerfile).read_text()
        assert f"ARG VERSION={imagebuild.VERSION}\n" in text
        assert "USER 65532:65532" in text


def test_images_are_built_from_what_is_locked() -> None:
    """Each image's lock is a part of the workspace's."""
    whole = (REPOSITORY / "requirements.lock").read_text()
    for lock in ("operator/image.lock", "scanner-job/image.lock"):
        pins = re.findall(r"^[a-z0-9.-]+==\S+", (REPOSITORY / lock).read_text(), re.MULTILINE)
        assert len(pins) > 10
        assert [pin for pin in pins if pin not in whole] == []
