"""What the images' environments are trimmed to is enough: each is made of its lock here, trimmed, and tried.

The same checks run in the images themselves.
"""

import base64
import hashlib
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from logscan_tools.paths import REPOSITORY, cache_root

pytestmark = pytest.mark.tools

IMAGES = REPOSITORY / "tools" / "images"
SOURCES = {
    "operator": ["crds/src", "scanner-job/engine/src", "operator/src"],
    "scanner": ["crds/src", "scanner-job/engine/src", "scanner-job/src"],
}
LOCKS = {"operator": "operator/image.lock", "scanner": "scanner-job/image.lock"}
MEBIBYTES = {
    "operator": 28,
    "scanner": 20,
}  # of the images' bars of 120 and 60 above the base; the rest is for bytecode


def uv(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("uv")), *arguments]
    variables = os.environ | {"UV_CACHE_DIR": str(cache_root() / "uv")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def installed_bytes(environment: Path) -> int:
    return sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())


def check_records(environment: Path) -> None:
    """Check that packages have the files that they list, with the digests that they list, as an installer does."""
    (packages,) = environment.glob("lib/python3*/site-packages")
    for package in distributions(path=[str(packages)]):
        for file in package.files or []:
            path = Path(str(file.locate()))
            assert path.is_file(), file
            if file.hash is not None and file.size is not None:
                digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")
                assert (digest, path.stat().st_size) == (file.hash.value, file.size), file


@pytest.mark.parametrize("program", ["operator", "scanner"])
def test_a_trimmed_environment_still_works(program: str, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    uv("venv", "--quiet", "--python", sys.executable, str(environment))
    python = environment / "bin" / "python"
    lock = str(REPOSITORY / LOCKS[program])
    uv("pip", "sync", "--quiet", "--link-mode=copy", f"--python={python}", "--require-hashes", lock)
    before = installed_bytes(environment)
    subprocess.run([sys.executable, IMAGES / "trim.py", environment, program], check=True)
    assert installed_bytes(environment) < min(before, MEBIBYTES[program] << 20)
    check_records(environment)
    variables = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(str(REPOSITORY / source) for source in SOURCES[program]),
    }
    check = IMAGES / "checks" / f"{program}_image.py"
    done = subprocess.run([python, check], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok      ") >= 5
