"""Signatures of requests are those of AWS's documentation, and botocore's."""

from datetime import datetime
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from logscan_scanner.aws.signing import Signer

NOON = 1369396800.0  # 2013-05-24
DAY = 86_400
EXAMPLE = ReadOnlyCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None)
HOST = "logs.s3.eu-central-1.amazonaws.com"


def test_the_example_of_the_documentation_has_its_signature() -> None:
    # S3 API reference, "Signature calculations for the Authorization header: transferring payload in a single chunk".
    signer = Signer("examplebucket.s3.amazonaws.com", "us-east-1", "s3")
    midnight = datetime.fromisoformat("2013-05-24T00:00:00Z").timestamp()
    found = signer.signed("GET", "/test.txt", {"Range": "bytes=0-9"}, b"", EXAMPLE, midnight)
    assert found["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize("token", [None, "AQoEXAMPLEtoken=="])
@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "body"),
    [
        ("s3", "GET", "/a%20b//c/../gr%C3%B6%C3%9Fe.log?versionId=3%2FL4%20x", {"If-Match": '"a  b"'}, b""),
        ("s3", "GET", "/a", {"Range": "bytes=0-1"}, b""),
        ("dynamodb", "POST", "/", {"X-Amz-Target": "DynamoDB_20120810.PutItem", "Content-Type": "json"}, b"{}"),
    ],
)
def test_headers_are_those_of_botocore(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, token: str | None
) -> None:
    signer = Signer(HOST, "eu-central-1", service)
    other = ReadOnlyCredentials("AKIAOTHER", "other/secret", token)
    for by, at in [(EXAMPLE, NOON), (other, NOON), (other, NOON + 1), (other, NOON + DAY), (EXAMPLE, NOON)]:
        found = signer.signed(method, path, headers, body, by, at)
        assert found == _botocore(service, method, path, headers, body, by, found["X-Amz-Date"])


def _botocore(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, by: ReadOnlyCredentials, moment: str
) -> dict[str, str]:
    """Return the headers that botocore sends at a moment."""
    signer: Any = {"s3": S3SigV4Auth, "dynamodb": SigV4Auth}[service](by, service, "eu-central-1")
    request = AWSRequest(method, f"https://{HOST}{path}", headers, body)
    request.context["timestamp"] = moment
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signer._inject_signature_to_request(request, signature)
    return dict(request.headers.items())
