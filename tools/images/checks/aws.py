"""AWS for the images' checks: credentials, and errors of the services in each protocol that botocore reads."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

EXPIRES = "2099-01-01T00:00:00Z"
ROLE = (
    '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDWEB</AccessKeyId>"
    "<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
    f"<Expiration>{EXPIRES}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
    "</AssumeRoleWithWebIdentityResponse>"
)
POD = json.dumps({"AccessKeyId": "AKIDPOD", "SecretAccessKey": "secret", "Token": "token", "Expiration": EXPIRES})
S3_ERROR = "<Error><Code>InvalidObjectState</Code><Message>in the archive</Message></Error>"
QUERY_ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>no topic</Message></Error></ErrorResponse>"
)


class Service(BaseHTTPRequestHandler):
    """Answers by what a request looks like."""

    authorizations: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Give credentials as EKS Pod Identity's agent does, or an error as S3 does."""
        if self.path == "/pod":
            self.authorizations.append(self.headers["Authorization"])
            self._answer(200, POD)
        else:
            self._answer(403, S3_ERROR)

    def do_POST(self) -> None:
        """Give credentials as STS does, or an error as SQS, DynamoDB, EventBridge, SES and SNS do."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target", "")
        if "AssumeRoleWithWebIdentity" in body:
            self._answer(200, ROLE)
        elif target.startswith("AmazonSQS"):
            self._answer(400, json.dumps({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no queue"}))
        elif target.startswith("AWSEvents"):
            self._answer(400, json.dumps({"__type": "InternalException", "message": "no bus"}))
        elif target.startswith("DynamoDB"):
            fault = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
            self._answer(400, json.dumps({"__type": fault, "message": "no table"}))
        elif self.path.startswith("/v2/"):
            self._answer(400, json.dumps({"message": "no sender"}), {"x-amzn-ErrorType": "MessageRejected"})
        else:
            self._answer(404, QUERY_ERROR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""

    def _answer(self, status: int, body: str, fields: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(fields or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())


@contextmanager
def services() -> Iterator[str]:
    """Yield the address at which the services answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
