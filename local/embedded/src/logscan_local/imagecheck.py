"""`python -m logscan_local.imagecheck`: the images built and run for real on a machine without Docker and a registry.

The base is a Debian made by debootstrap, buildah builds, and bubblewrap runs: as user 65532, on a read-only root with
nothing but /tmp to write to, as in a pod. The scanner scans an object of the AWS emulator. Needs root, buildah,
debootstrap and bwrap (Debian packages buildah, debootstrap, bubblewrap).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logscan_api.logscans import S3Source
from logscan_api.requests import REQUEST_VARIABLE, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.statuses import ResultRef
from logscan_local import aws
from logscan_local.emulator import running
from logscan_local.errors import StackError
from logscan_local.imagebuild import ImageError, build, run
from logscan_local.paths import REPOSITORY

PROGRAMS = ("buildah", "debootstrap", "bwrap")
BASE = "localhost/logscan-base:bookworm"
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
PATH = "/opt/logscan/bin:/usr/local/bin:/usr/bin:/bin"
CERTIFICATES = "/etc/ssl/certs"  # of a registry's mirror, which this machine trusts
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
BODY = b"INFO fine\nERROR bad\nERROR worse\n"


def missing() -> list[str]:
    """Return which of the programs are missing, or that this is not root."""
    lacks = [name for name in PROGRAMS if shutil.which(name) is None]
    return lacks + (["root"] if os.geteuid() != 0 else [])


def make_base() -> None:
    """Make the base image, unless it is there."""
    if subprocess.run(["buildah", "inspect", BASE], capture_output=True, check=False).returncode == 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder])
        container = run(["buildah", "from", "scratch"]).strip()
        run(["buildah", "add", "--quiet", container, folder, "/"])
        run(["buildah", "commit", "--quiet", "--rm", container, BASE])


@contextmanager
def root_of(image: str) -> Iterator[Path]:
    """Yield the folder with an image's root file system."""
    container = run(["buildah", "from", image]).strip()
    try:
        yield Path(run(["buildah", "mount", container]).strip())
    finally:
        run(["buildah", "rm", container])


def run_image(root: Path, arguments: list[str], environment: dict[str, str]) -> str:
    """Run a program of an image as in a pod and return its output.

    Raises:
        ImageError: It failed.
    """
    command = ["bwrap", "--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108
    command += [
        "--unshare-user",
        "--uid",
        "65532",
        "--gid",
        "65532",
        "--unshare-pid",
        "--die-with-parent",
        "--clearenv",
    ]
    for name, value in {"PATH": PATH, "HOME": "/tmp", **environment}.items():  # noqa: S108 - the sandbox's own
        command += ["--setenv", name, value]
    return run([*command, *arguments])


def check_wheels() -> None:
    """See that every locked package has a wheel for both architectures.

    Raises:
        ImageError: One has not; the message names it.
    """
    uv = str(Path(sys.executable).with_name("uv"))
    for lock in ("operator/image.lock", "scanner-job/image.lock"):
        for platform in PLATFORMS:
            with tempfile.TemporaryDirectory() as folder:
                command = [uv, "pip", "install", "--quiet", "--dry-run", f"--target={folder}", "--only-binary=:all:"]
                command += ["--python-version=3.13", f"--python-platform={platform}", "--require-hashes"]
                run([*command, "--requirement", str(REPOSITORY / lock)])


def scan(root: Path, endpoint: str) -> int:
    """Scan an object by the scanner's image and return how many lines matched, as the row tells."""
    resources = aws.create_all(endpoint)
    aws.client("s3", endpoint).put_object(Bucket=resources.bucket, Key="app.log", Body=BODY)
    ref = ResultRef(table=resources.table, pk="O#logs#app.log", sk="S#check#1")
    request = ScanRequest(
        scan=ScanIdentity(namespace="logscan", name="check", uid="check", attempt=1),
        source=S3Source(bucket=resources.bucket, key="app.log"),
        rules=[Rule(name="error", pattern="ERROR")],
        limits=resolve_limits(),
        result=ref,
    )
    environment = {
        REQUEST_VARIABLE: request.to_variable(),
        "LOGSCAN_JOB_UID": "check",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": aws.REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **resources.scanner.environment(),
    }
    run_image(root, ["logscan-scanner"], environment)
    key = {"pk": {"S": ref.pk}, "sk": {"S": ref.sk}}
    item = aws.client("dynamodb", endpoint).get_item(TableName=ref.table, Key=key)["Item"]
    return int(item["matched_lines"]["N"])


def check() -> None:
    """Build both images, run them, and say what was seen.

    Raises:
        ImageError: Something does not work.
    """
    check_wheels()
    print("every locked package has a wheel for amd64 and arm64")
    make_base()
    operator, scanner = build("buildah", "check", BASE, [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro", "--quiet"])
    with running("images") as emulator:
        for image in (operator, scanner):
            with root_of(image) as root:
                program = image.split("/")[-1].split(":")[0]
                for flag in ("--version", "--help"):
                    print(f"{program} {flag}: {run_image(root, [program, flag], {}).splitlines()[0]}")
                if image == scanner:
                    matched = scan(root, emulator.endpoint)
                    if matched != BODY.count(b"ERROR"):
                        raise ImageError(f"the scanner's image found {matched} lines of {BODY.count(b'ERROR')}")
                    print(f"{program}: scanned an object on a read-only root as user 65532")
                print(f"{image}: {_mebibytes(root)} MiB, of it /opt/logscan {_mebibytes(root / 'opt' / 'logscan')}")


def _mebibytes(folder: Path) -> int:
    return int(run(["du", "-sm", str(folder)]).split()[0])


def main() -> int:
    """Check, or say what is missing."""
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")  # which needs no control groups
    if lacks := missing():
        sys.stderr.write(f"the images cannot be checked here; missing: {', '.join(lacks)}\n")
        return 1
    try:
        check()
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
