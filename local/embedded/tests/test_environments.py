"""What stands in for an image where there are no containers: what the Dockerfile says, and when it is made again."""

import shutil
from pathlib import Path

import pytest

from logscan_local.stack import environments
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


def test_an_environment_is_made_again_when_its_lock_or_sources_change(tmp_path: Path) -> None:
    package, engine, lock = tmp_path / "package", tmp_path / "engine", tmp_path / "image.lock"
    for folder in ("src", "target"):
        (engine / "rust" / folder).mkdir(parents=True)
    (package / "src" / "__pycache__").mkdir(parents=True)
    (package / "src" / "code.py").write_text("1")
    lock.write_text("a==1")
    recipe = Recipe(lock, (package,), engine, ("run",), "", {})
    first = environments.fingerprint(recipe)
    (package / "src" / "__pycache__" / "code.pyc").write_text("compiled")
    (package / "tests").mkdir()
    (package / "tests" / "test_code.py").write_text("a test")
    (engine / "rust" / "target" / "code.rlib").write_text("compiled")
    assert environments.fingerprint(recipe) == first
    changed = {first, environments.fingerprint(None)}
    (package / "src" / "code.py").write_text("2")
    changed.add(environments.fingerprint(recipe))
    shutil.move(package / "src" / "code.py", package / "src" / "other.py")
    changed.add(environments.fingerprint(recipe))
    lock.write_text("a==2")
    changed.add(environments.fingerprint(recipe))
    (engine / "rust" / "src" / "lib.rs").write_text("code")
    changed.add(environments.fingerprint(recipe))
    assert len(changed) == 6
