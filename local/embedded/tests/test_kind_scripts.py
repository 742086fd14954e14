"""The scripts in `local/kind`, by bash, kubectl and Docker themselves, as far as there is no need of kind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kindfolder import BASH, FOLDER, bash

from logscan_tools import binaries
from logscan_tools.manifests import CHART
from logscan_tools.paths import REPOSITORY, cache_root

DOCKER = shutil.which("docker")


def engine_answers() -> bool:
    return DOCKER is not None and subprocess.run([DOCKER, "info"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.sh")), ids=lambda p: p.name)
def test_they_pass_shellcheck(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [str(shellcheck), "-x", str(script)], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stdout


def only(folder: Path, *programs: str) -> dict[str, str]:
    """Return an environment whose PATH has a few programs only."""
    folder.mkdir(parents=True)
    for program in ("bash", "dirname", "env", "rm", *programs):
        (folder / program).symlink_to(str(shutil.which(program)))
    return {"PATH": str(folder), "HOME": str(folder)}


def test_they_say_what_is_missing(tmp_path: Path) -> None:
    environment = only(tmp_path / "bin")
    said = {}
    for name in ("up.sh", "demo.sh", "test.sh"):
        command = [BASH, str(FOLDER / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 1
        said[name] = done.stderr
    assert "docker is not on PATH: kind runs its nodes as containers" in said["up.sh"]
    for name in ("demo.sh", "test.sh"):
        assert "`make kind-up`" in said[name]


@pytest.mark.parametrize(
    "given", [{"LOGSCAN_CACHE": "/some/where else"}, {"LOGSCAN_CACHE": "relative"}, {"XDG_CACHE_HOME": "/xdg"}, {}]
)
def test_the_state_is_in_the_cache_of_everything_else(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGSCAN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert bash('echo "$STATE"', KIND_CLUSTER="other").stdout.strip() == str(cache_root() / "kind" / "other")


def test_nothing_is_asked_of_kubectl_that_old_ones_do_not_know() -> None:
    """`kubectl wait --for=create` came with 1.31; the machine's own kubectl is taken whatever it is."""
    code = [*FOLDER.glob("*.sh"), *(REPOSITORY / "local" / "embedded" / "src").rglob("*.py")]
    assert [path.name for path in code if re.search(r"--for[= ']+create", path.read_text())] == []


@pytest.mark.tools
def test_the_chart_takes_the_tags_and_the_checksum_that_up_gives_it() -> None:
    """So that another image, or other keys, make another pod."""
    (given,) = re.findall(r'--set-string ("[^"]+")', (FOLDER / "up.sh").read_text())
    values = bash(f"operator=kind-0123 scanner=kind-4567 secrets=89ab; echo {given}").stdout.strip()
    helm = binaries.helm(lambda line: None)
    command = [str(helm), "template", "logscan", str(CHART), "--namespace=logscan", "--kube-version=1.37"]
    command += [f"--values={CHART / 'ci' / 'kind.yaml'}", f"--set-string={values}"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    documents = [one for one in yaml.safe_load_all(rendered) if one]
    template = next(d for d in documents if d["kind"] == "Deployment")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "logscan-operator:kind-0123"
    assert template["metadata"]["annotations"]["logscan.dev/secrets"] == "89ab"
    settings = next(d for d in documents if d["kind"] == "ConfigMap")["data"]
    assert settings["LOGSCAN_SCANNER_IMAGE"] == "logscan-scanner:kind-4567"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone without .venv, as `make clean` leaves it."""
    shutil.copytree(FOLDER, tmp_path / "clone" / "local" / "kind")
    return tmp_path / "clone"


def down(clone: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [BASH, str(clone / "local" / "kind" / "down.sh")]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_down_says_what_to_do_where_there_is_no_kind(clone: Path, tmp_path: Path) -> None:
    cache, environment = tmp_path / "cache", only(tmp_path / "bin")
    environment["LOGSCAN_CACHE"] = str(cache)
    assert down(clone, environment).returncode == 0, "there is nothing to remove"
    (cache / "kind" / "logscan").mkdir(parents=True)
    done = down(clone, environment)
    assert done.returncode == 1
    assert "docker rm --force --volumes" in done.stderr
    assert (cache / "kind" / "logscan").exists(), "what is known of the cluster is kept"


@pytest.mark.skipif(not engine_answers(), reason="there is no Docker engine")
def test_down_takes_the_kind_that_was_built_into_the_cache(clone: Path, tmp_path: Path) -> None:
    """With the real engine; to kind a cluster that is not there is no error, so what it is asked is looked at."""
    cache, environment = tmp_path / "cache", only(tmp_path / "bin", "docker", "sh")
    environment = {**os.environ, **environment, "LOGSCAN_CACHE": str(cache), "KIND_CLUSTER": "none-such"}
    built, state = cache / "bin" / "v1.2.3-linux-amd64" / "kind", cache / "kind" / "none-such"
    for folder in (built.parent, state):
        folder.mkdir(parents=True)
    built.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/asked\n')
    built.chmod(0o755)
    done = down(clone, environment)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["delete", "cluster", "--name", "none-such", "--kubeconfig", str(state / "kubeconfig")]
    assert not state.exists()


@pytest.mark.skipif(not engine_answers(), reason="there is no Docker engine")
def test_a_changed_image_has_another_tag(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY code /code\n")
    name = f"logscan-test-tag-{os.getpid()}:kind"

    def tag(code: str) -> str:
        (tmp_path / "code").write_text(code)
        subprocess.run([str(DOCKER), "build", "--quiet", "--tag", name, str(tmp_path)], check=True, capture_output=True)
        return bash(f"content_tag {name}").stdout.strip()

    try:
        first, second, third = tag("one"), tag("two"), tag("two")
    finally:
        subprocess.run([str(DOCKER), "image", "rm", name], check=False, capture_output=True)
    assert first.startswith("kind-")
    assert len(first) == len("kind-") + 12
    assert (first != second, second == third) == (True, True)
    assert bash(f"content_tag {name}-is-not-there").returncode != 0


def own_kind() -> Path | None:
    """Return kind, if the machine or the cache has it."""
    found = [shutil.which("kind"), *cache_root().glob("bin/*/kind")]
    return next((Path(path) for path in found if path), None)


@pytest.mark.tools
@pytest.mark.skipif(not engine_answers() or own_kind() is None, reason="there is no Docker engine, or no kind")
def test_a_cluster_that_does_not_come_up_is_kept_for_looking_at(clone: Path, tmp_path: Path) -> None:
    """By the real kind, with a node image in which nothing can be started."""
    name, image = f"logscan-test-{os.getpid()}", f"logscan-test-node-{os.getpid()}:kind"
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY Dockerfile /\nENTRYPOINT ["/no-such-program"]\n')
    subprocess.run([str(DOCKER), "build", "--quiet", "--tag", image, str(tmp_path)], check=True, capture_output=True)
    config = clone / "local" / "kind" / "cluster.yaml"
    config.write_text(re.sub(r"image: \S+", f"image: {image}", config.read_text()))
    (clone / ".venv").symlink_to(sys.prefix)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "kind").symlink_to(str(own_kind()))
    (tools / "helm").write_text("#!/bin/sh\necho v3.99.0\n")  # not come to
    (tools / "helm").chmod(0o755)
    given = {"PATH": f"{tools}:{os.environ['PATH']}", "LOGSCAN_CACHE": str(tmp_path / "cache"), "KIND_CLUSTER": name}

    def script(file: str) -> subprocess.CompletedProcess[str]:
        command = [BASH, str(clone / "local" / "kind" / file)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **given})

    def nodes() -> list[str]:
        command = [str(DOCKER), "ps", "--all", "--quiet", f"--filter=label=io.x-k8s.kind.cluster={name}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    try:
        failed = script("up.sh")
        kept = nodes()
        again = script("up.sh")
    finally:
        removed = script("down.sh")
        subprocess.run([str(DOCKER), "image", "rm", image], check=False, capture_output=True)
    assert (failed.returncode, again.returncode) == (1, 1)
    assert "no-such-program" in failed.stderr, "what kind says is not hidden"
    assert f"{tools}/kind export logs --name {name}" in failed.stderr
    assert f"docker logs {name}-control-plane" in failed.stderr
    assert len(kept) == 1, "its node is there to look at"
    assert "removing what an earlier run left unfinished" in again.stdout
    assert removed.returncode == 0, removed.stderr
    assert nodes() == []
    assert not (tmp_path / "cache" / "kind" / name).exists()
