"""Names and keys made from what an object is, so that any message may arrive any number of times.

A LogScan made by the intake is named after the *event*: bucket, key and version id, or where the bucket has no versions
S3's sequencer and the entity tag. See docs/decisions/0002-scan-identity.md.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence

from logscan_api.events import ObjectEvent
from logscan_api.sources import S3Object, S3Source

DIGITS = 32  # of a hash, hexadecimal: 128 bits
# With a hash and the number of an attempt a name stays within the 63 characters that a label may have.
SLUG_LENGTH = 26
JOB_NAME_LIMIT = 63
UID_DIGITS = 16  # of the hash of a uid in a name
SEQUENCER_LENGTH = 32
VERSION_BYTES = 512  # of a version that stands in a sort key as it is


def identity_hash(event: ObjectEvent) -> str:
    """Return 32 hexadecimal digits that name an event: equal for every delivery of it, different for any other."""
    return _identity(event.bucket, event)


def _identity(bucket: str, found: ObjectEvent | S3Object) -> str:
    if found.version_id and found.version_id != "null":
        facts = ["version", found.version_id]
    elif found.sequencer:
        facts = ["sequencer", padded_sequencer(found.sequencer), found.etag or ""]
    else:
        facts = ["etag", found.etag or ""]
    return _digest(bucket, found.key, *facts)


def content_hash(bucket: str, key: str, etag: str) -> str:
    """Return 32 hexadecimal digits that name the content at a key, as far as S3's entity tag tells contents apart."""
    return _digest(bucket, key, etag)


def batch_hash(bucket: str, objects: Sequence[S3Object]) -> str:
    """Return 32 hexadecimal digits that name several objects, whatever their order."""
    return _digest(bucket, *sorted(_identity(bucket, found) for found in objects))


def scan_name(event: ObjectEvent) -> str:
    """Return the name of the LogScan for an event: `<slug of the key's base name>-<identity hash>`."""
    base = event.key.rstrip("/").rsplit("/", 1)[-1].casefold()
    letters = "".join(c for c in unicodedata.normalize("NFKD", base) if not unicodedata.combining(c))
    slug = re.sub(r"[^a-z0-9]+", "-", letters)[:SLUG_LENGTH].strip("-")
    return f"{slug or 'object'}-{identity_hash(event)}"


def job_name(scan: str, attempt: int) -> str:
    """Return the name of a scan's Job: `<scan>-<attempt>`, within the 63 characters that a label may have.

    A name that must be cut keeps a hash of the whole, so that two long names never share a Job.
    """
    suffix = f"-{attempt}"
    if len(scan) + len(suffix) <= JOB_NAME_LIMIT:
        return scan + suffix
    digest = hashlib.sha256(scan.encode()).hexdigest()[:DIGITS]
    return f"{scan[: JOB_NAME_LIMIT - len(suffix) - len(digest) - 1].rstrip('-.')}-{digest}{suffix}"


def notice_name(scan: str, scan_uid: str, attempt: int) -> str:
    """Return the name of the Job that notifies of a scan's failure: `<scan>-<hash of the uid>-<attempt>-notice`.

    The Job of no attempt has it, since those end with a number, and neither has that of another LogScan of the name.

    Args:
        scan: The LogScan's name, of which the beginning is kept.
        scan_uid: Its uid.
        attempt: The attempt with which it failed.
    """
    suffix = f"-{_digest(scan_uid)[:UID_DIGITS]}-{attempt}-notice"
    return scan[: JOB_NAME_LIMIT - len(suffix)].rstrip("-.") + suffix


def padded_sequencer(sequencer: str) -> str:
    """Return a sequencer that compares as a string.

    S3's event documentation: pad the shorter value with zeros *on the right*, then compare lexicographically.
    """
    return sequencer.upper().ljust(SEQUENCER_LENGTH, "0")


def partition_key(namespace: str, source: S3Source, scan_uid: str = "") -> str:
    """Return the result table's `pk` of an object, several objects or a prefix, as a namespace scans it.

    The namespace comes first, so that IAM can bind a namespace's scanners to their own rows by `dynamodb:LeadingKeys`,
    and no scan ever finds the row of another namespace. Then comes the kind, so that the object `app` and the prefix
    `app` differ. Names of namespaces and buckets have no `#`. The sum of several objects belongs to its LogScan alone.

    Args:
        namespace: The LogScan's namespace.
        source: What is scanned.
        scan_uid: The LogScan's uid, for several objects.
    """
    if source.objects is not None:
        return f"{namespace}#B#{source.bucket}#{scan_uid}"
    kind, name = ("O", source.key) if source.key is not None else ("P", source.prefix or "")
    return f"{namespace}#{kind}#{source.bucket}#{name}"


def sort_key(source: S3Source, scan_uid: str, outcome: str, own: bool, prior_attempts: int | None = None) -> str:
    """Return the result table's `sk`: one row for each version of an object and all that changes what is found in it.

    A scan made by hand has a row of its own, named by its uid: its author wrote the version, and must not be able to
    write the row that the intake's scan of the object finds. So has a scan that names no version ("whatever is there
    now"), and each run that `spec.retry` asked for, named by the uid and the attempts before it: it must scan, and not
    find the row of the run before.

    Different facts give different keys. The kind of version comes first, so that no entity tag passes for a version id.
    What follows the version has a form that no part of a version can take: an outcome is 16 hexadecimal digits, and a
    run starts with `R` and ends with a number.

    Args:
        source: What is scanned.
        scan_uid: The LogScan's uid.
        outcome: Names rules and limits; see `outcome_hash`.
        own: Whether the scan was made by hand.
        prior_attempts: Jobs of the runs before this one; None for the first run.
    """
    if own:
        version = f"U:{scan_uid}"
    elif source.version_id and source.version_id != "null":
        version = _version(source.version_id)
    elif source.sequencer:
        version = f"Q:{padded_sequencer(source.sequencer)}"
    elif source.etag:
        version = f"E:{source.etag}"
    else:
        version = f"U:{scan_uid}"
    run = "" if prior_attempts is None else f"#R{scan_uid}:{prior_attempts}"
    return f"S#{version}#{outcome}{run}"


def _version(version_id: str) -> str:
    """Return the part of a sort key that names a version.

    Versions have 32 characters, but S3 allows 1,024 bytes, and that is all that DynamoDB allows a sort key: of a long
    one there is a hash.
    """
    if len(version_id.encode()) <= VERSION_BYTES:
        return f"V:{version_id}"
    return f"H:{hashlib.sha256(version_id.encode()).hexdigest()}"


def _digest(*facts: str) -> str:
    """Return a hash of strings, different whenever any of them is: JSON keeps them apart whatever they contain."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:DIGITS]
