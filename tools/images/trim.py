"""Remove files that an image's program never loads: `python trim.py ENVIRONMENT operator|scanner`.

Most of the installed files are unused: botocore describes four hundred AWS services, and of kubernetes, which has a
class for each kind of object, only the loaders of kubeconfigs are used. `KEEP` names what stays of such a package,
`DROP` what nothing loads at run time. The images' build runs this; `checks/` runs in the result.
"""

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
    folders = sorted((path for path in packages.rglob("*") if path.is_dir()), reverse=True)
    for folder in folders:
        if not any(folder.iterdir()):
            folder.rmdir()
    for record in packages.glob("*.dist-info/RECORD"):
        _forget_missing(packages, record)


def _unused(packages: Path, keep: dict[str, tuple[str, ...]]) -> Iterator[Path]:
    unused = {path for pattern in DROP for path in packages.glob(pattern)}
    for folder, patterns in keep.items():
        kept = {path for pattern in patterns for path in (packages / folder).glob(pattern)}
        unused |= {path for path in (packages / folder).rglob("*") if path.suffix != ".pyc"} - kept
    return (path for path in unused if path.is_file())


def _forget_missing(packages: Path, record: Path) -> None:
    """Drop the lines of missing files, so that the package's list of files is right (Python packaging, RECORD)."""
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    there = [line for line in lines if (packages / line.rsplit(",", 2)[0].strip('"')).exists()]
    record.unlink()  # it may be a hard link to a file of an installer's cache
    record.write_text("".join(there), encoding="utf-8")


if __name__ == "__main__":
    trim(Path(sys.argv[1]), sys.argv[2])
