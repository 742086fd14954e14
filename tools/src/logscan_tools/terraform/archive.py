"""`python -m logscan_tools.terraform.archive [--check]`: the archive of the forwarder, which Terraform uploads.

It is in the repository, so that a plan can be applied where nobody built anything. Its bytes follow from the source
alone: no compression, whose result depends on the library, and one time and mode for all files.
"""

import io
import sys
import zipfile

from logscan_tools.paths import REPOSITORY

SOURCE = REPOSITORY / "terraform" / "forwarder" / "src"
ARCHIVE = REPOSITORY / "terraform" / "modules" / "forwarder" / "forwarder.zip"
READABLE = 0o100644  # a file that everybody may read: Lambda runs as a user of its own
UNIX = 3


def build() -> bytes:
    """Return the archive of the modules in `SOURCE`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(SOURCE.rglob("*.py")):
            entry = zipfile.ZipInfo(path.relative_to(SOURCE).as_posix())  # of 1980, where the times of archives begin
            entry.create_system, entry.external_attr = UNIX, READABLE << 16
            archive.writestr(entry, path.read_bytes())
    return content.getvalue()


def main(arguments: list[str]) -> int:
    """Write the archive, or check it."""
    if "--check" not in arguments:
        ARCHIVE.write_bytes(build())
        return 0
    if not ARCHIVE.exists() or ARCHIVE.read_bytes() != build():
        sys.stderr.write(f"{ARCHIVE.name} is not of this source: run `make generate` and commit the result\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
