"""What is read from a Dockerfile: all that makes an environment like its image."""

from pathlib import Path

import pytest

from logscan_tools import dockerfiles
from logscan_tools.dockerfiles import Recipe
from logscan_tools.errors import ToolError

DOCKERFILE = """
ARG BASE=x
FROM ${RUST} AS engine
COPY tools/images/build.lock ./
COPY scanner-job/engine engine
RUN compile
FROM ${BASE} AS build
COPY tools/images/build.lock operator/image.lock ./
COPY crds crds
COPY operator operator
COPY --from=engine /wheels wheels
RUN pip wheel --wheel-dir wheels ./crds \\
      ./operator/part \\
 && pip install wheels/*.whl
FROM ${BASE}
COPY --from=build /opt/logscan /opt/logscan
ENV PATH=/opt/logscan/bin:/bin HOME=/tmp A="b c"
USER 65532:65532
ENTRYPOINT ["logscan-operator", "--now"]
"""


def test_a_dockerfile_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "operator").mkdir()
    (tmp_path / "operator" / "Dockerfile").write_text(DOCKERFILE)
    monkeypatch.setattr(dockerfiles, "REPOSITORY", tmp_path)
    assert dockerfiles.read("logscan-operator") == Recipe(
        lock=tmp_path / "operator" / "image.lock",
        packages=(tmp_path / "crds", tmp_path / "operator" / "part"),
        engine=tmp_path / "scanner-job" / "engine",
        entrypoint=("logscan-operator", "--now"),
        user="65532:65532",
        variables={"PATH": "/opt/logscan/bin:/bin", "HOME": "/tmp", "A": "b c"},
    )
    (tmp_path / "operator" / "Dockerfile").write_text(DOCKERFILE.replace("USER", "LABEL user="))
    with pytest.raises(ToolError, match=r"operator/Dockerfile: expected one USER, found 0"):
        dockerfiles.read("logscan-operator")


@pytest.mark.parametrize("image", list(dockerfiles.DOCKERFILES))
def test_our_own_dockerfiles_are_read(image: str) -> None:
    recipe = dockerfiles.read(image)
    assert recipe.lock.exists()
    assert recipe.entrypoint == (image,)
    assert recipe.user == "65532:65532"
    assert all((package / "pyproject.toml").exists() for package in (*recipe.packages, recipe.engine))
    assert recipe.packages[0].name == "crds"
