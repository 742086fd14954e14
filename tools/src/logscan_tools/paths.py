"""Where the repository and the cache folder are."""

import os
import platform
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def cache_root() -> Path:
    """Return the cache folder: `LOGSCAN_CACHE` unless it is empty, else `logscan` in the user's cache directory."""
    if chosen := os.environ.get("LOGSCAN_CACHE"):
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "logscan"


def platform_name() -> tuple[str, str]:
    """Return operating system and architecture as Go names them, such as `("linux", "amd64")`."""
    machine = platform.machine().lower()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
