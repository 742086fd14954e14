"""What is in the folder of kind, for its tests."""

import os
import shutil
import subprocess
from typing import Any

import yaml

from logscan_tools.manifests import CHART
from logscan_tools.paths import REPOSITORY

FOLDER = REPOSITORY / "local" / "kind"
BASH = str(shutil.which("bash"))
INSIDE = "http://localstack.localstack.svc:4566/000000000000"


def bash(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script that has sourced `common.sh`."""
    given = {**os.environ, **environment}
    command = [BASH, "-c", f'source "{FOLDER / "common.sh"}"\n{script}']
    return subprocess.run(command, capture_output=True, text=True, check=False, env=given, timeout=300)


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def chart_values(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHART / name).read_text())
    return found
