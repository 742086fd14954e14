"""Botocore's descriptions of the services that a scan uses, without what it does not use of them.

Botocore looks for a service's name in the folders of all four hundred, and keeps the description of every operation of
those that it uses, with its documentation: a tenth of a scan's start, and several MiB for as long as the scan runs.
"""

import json
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader, instance_cache

# What the scanner calls, and what botocore calls by itself: for the region of a bucket, for directory buckets, to find
# DynamoDB's endpoints, and for the credentials of a service account.
OPERATIONS = {
    "dynamodb": {"BatchGetItem", "DescribeEndpoints", "GetItem", "PutItem", "UpdateItem"},
    "events": {"PutEvents"},
    "s3": {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "CreateSession",
        "GetObject",
        "GetObjectTagging",
        "HeadBucket",
        "PutObject",
        "PutObjectTagging",
        "UploadPart",
    },
    "sesv2": {"SendEmail"},
    "sns": {"Publish"},
    "sts": {"AssumeRole", "AssumeRoleWithWebIdentity"},
}
SERVICES = [*OPERATIONS, "sso", "sso-oidc"]  # the others give credentials


class _Listed(Loader):
    """Knows the services without a look at the folders of all that there are."""

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the names of the services, whatever is asked of them."""
        return SERVICES


class ServiceModels(_Listed):
    """Loads what is used, each file by a loader of its own: a loader keeps all that it ever read."""

    @instance_cache
    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """Return a description of a service, such as its operations (`service-2`)."""
        if type_name == "service-2" and service_name in OPERATIONS:
            return _service(service_name, api_version)
        return super().load_service_model(service_name, type_name, api_version)

    @instance_cache
    def load_data_with_path(self, name: str) -> Any:
        """Return what a file of botocore's data holds, and where it is."""
        return _endpoints() if name == "endpoints" else super().load_data_with_path(name)


def _service(name: str, api_version: str | None) -> Any:
    return _copied(_used(_Listed().load_service_model(name, "service-2", api_version), OPERATIONS[name]))


def _endpoints() -> Any:
    data, path = _Listed().load_data_with_path("endpoints")
    for partition in data["partitions"]:
        partition["services"] = {name: found for name, found in partition["services"].items() if name in SERVICES}
    return _copied(data), path


def _used(model: dict[str, Any], operations: set[str]) -> dict[str, Any]:
    """Return a service's description with some of its operations and the shapes that these need."""
    kept = {name: operation for name, operation in model["operations"].items() if name in operations}
    shapes: dict[str, Any] = {}
    wanted = list(_shapes_in(kept))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _shapes_in(shapes[name])
    return {**model, "operations": kept, "shapes": shapes}


def _shapes_in(part: Any) -> Iterator[str]:
    """Yield the names of shapes that a part of a description refers to."""
    if isinstance(part, dict):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        part = list(part.values())
    if isinstance(part, list):
        for value in part:
            yield from _shapes_in(value)


def _copied(data: Any) -> Any:
    """Return a copy: in memory of its own, so that all that the original had can be used again."""
    return json.loads(json.dumps(data))
