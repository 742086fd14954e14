"""Remove files that an image's program never loads: `python trim.py ENVIRONMENT operator|scanner`.

Most of the installed files are unused: botocore describes four hundred AWS services, and of kubernetes, which has a
class for each kind of object, only the loaders of kubeconfigs are used. `KEEP` names what stays of such a package,
`DROP` what nothing loads at run time. Of shared objects, what only debuggers and linkers read goes.
The images' build runs this; `checks/` runs in the result.
"""

import base64
import hashlib
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

# Only the matching files of these folders stay. All patterns are relative to site-packages.
KEEP: dict[str, dict[str, tuple[str, ...]]] = {
    "operator": {
        "botocore/data": ("*.json", "dynamodb/**/*", "s3/**/*", "sqs/**/*", "sts/**/*"),
        "boto3/data": (),
        # What `import kubernetes` itself imports: the classes of objects and API groups are imported when first used.
        "kubernetes": (
            "*.py",
            "client/*.py",
            "client/models/__init__.py",
            "config/*.py",
            "dynamic/*.py",
            "informer/*.py",
            "leaderelection/*.py",
            "stream/*.py",
            "utils/*.py",
            "watch/*.py",
        ),
    },
    "scanner": {
        "botocore/data": (
            "*.json",
            "dynamodb/**/*",
            "events/**/*",
            "s3/**/*",
            "sesv2/**/*",
            "sns/**/*",
            "sts/**/*",
        ),
    },
}
LIBRARIES = "*.so*"
DROP = (
    "**/*.c",
    "**/*.h",
    "**/*.pxd",
    "**/*.pyi",
    "**/*.pyx",
    "**/*_test.py",
    "**/tests/**/*",
    "boto3/examples/**/*",
    "botocore/data/**/examples-1.json",
)


def trim(environment: Path, program: str) -> None:
    """Remove files from a virtual environment, and from the lists of what each package has installed.

    Args:
        environment: The environment's folder.
        program: The image's program, a key of `KEEP`.
    """
    (packages,) = environment.glob("lib/python3*/site-packages")
    for path in _unused(packages, KEEP[program]):
        path.unlink()
    for cache in packages.rglob("__pycache__/*.pyc"):
        if not cache.parent.with_name(f"{cache.name.split('.')[0]}.py").exists():
            cache.unlink()
    for library in packages.rglob(LIBRARIES):
        _strip(library)
    folders = sorted((path for path in packages.rglob("*") if path.is_dir()), reverse=True)
    for folder in folders:
        if not any(folder.iterdir()):
            folder.rmdir()
    for record in packages.glob("*.dist-info/RECORD"):
        _correct(packages, record)


def _unused(packages: Path, keep: dict[str, tuple[str, ...]]) -> Iterator[Path]:
    unused = {path for pattern in DROP for path in packages.glob(pattern)}
    for folder, patterns in keep.items():
        kept = {path for pattern in patterns for path in (packages / folder).glob(pattern)}
        unused |= {path for path in (packages / folder).rglob("*") if path.suffix != ".pyc"} - kept
    return (path for path in unused if path.is_file())


def _strip(library: Path) -> None:
    """Cut a shared object off behind its last segment: a loader reads segments, not sections (System V ABI, "ELF").

    As `strip` does, which slim images have not, and without a table of sections besides.
    """
    data = library.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian
        return
    begin, size, count = struct.unpack_from("<32xQ14xHH", data)  # of the table of segments
    segments = [struct.unpack_from("<8xQ16xQ", data, begin + number * size) for number in range(count)]
    end = max([begin + size * count, *(offset + length for offset, length in segments)])
    stripped = bytearray(data[:end])
    struct.pack_into("<Q", stripped, 40, 0)  # where the table of sections is: nowhere,
    struct.pack_into("<HH", stripped, 60, 0, 0)  # how many there are, and which has their names
    _replace(library, bytes(stripped))


def _replace(path: Path, content: bytes) -> None:
    """Write a file anew: the one that is there may be a hard link to a file of an installer's cache."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def _correct(packages: Path, record: Path) -> None:
    """Make a package's list of files right: what is missing goes, what has changed gets its digest (PyPA, "RECORD")."""
    lines = [line.rsplit(",", 2) for line in record.read_text(encoding="utf-8").splitlines()]
    there = [
        _entry(packages / name.strip('"'), name, *facts)
        for name, *facts in lines
        if (packages / name.strip('"')).exists()
    ]
    _replace(record, "".join(there).encode())


def _entry(path: Path, name: str, digest: str, size: str) -> str:
    if path.match(LIBRARIES):
        content = path.read_bytes()
        found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        digest, size = f"sha256={found}", str(len(content))
    return f"{name},{digest},{size}\n"


if __name__ == "__main__":
    trim(Path(sys.argv[1]), sys.argv[2])
