"""Run by the Python of the operator's image: every connection to the API server and to AWS works with its files.

A kubeconfig with a token, a token file, a client certificate and an exec plugin (such as `aws eks get-token`), the
service account of a pod, and the errors of SQS and DynamoDB.
"""

import asyncio
import base64
import datetime
import json
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from common import expect, run, with_keys, without_keys
from kubernetes.config import incluster_config

from logscan_api.policies import LogScanPolicySpec
from logscan_api.rules import RuleSelection
from logscan_api.statuses import ResultRef
from logscan_operator import preflight, rulechecks
from logscan_operator.aws import Queue, ResultReader
from logscan_operator.errors import AwsError
from logscan_operator.kube import Connection

PLUGIN = """#!/bin/sh
test "$*" = "eks get-token --cluster-name logs" || exit 9
echo x >> "$COUNT"
cat "$ANSWER"
"""


def _connect(folder: Path, user: dict[str, Any]) -> Connection:
    authority = base64.b64encode(b"authority").decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [
            {"name": "c", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": authority}}
        ],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))  # JSON is YAML
    connection = Connection(str(folder / "kubeconfig"))
    expect(connection.server, "https://127.0.0.1:6443", "the server")
    expect(Path(connection.ca_file or "").read_bytes(), b"authority", "the cluster's CA")
    return connection


def kubeconfig_with_a_token(folder: Path, _address: str) -> None:
    """Inline, and in a file."""
    expect(_connect(folder, {"token": "inline"}).authorization(), "Bearer inline", "the token")
    (folder / "token").write_text("in a file\n")
    expect(_connect(folder, {"tokenFile": str(folder / "token")}).authorization(), "Bearer in a file", "the token")


def kubeconfig_with_a_client_certificate(folder: Path, _address: str) -> None:
    """Inline, and as files."""
    data = {name: base64.b64encode(name.encode()).decode() for name in ("client-certificate-data", "client-key-data")}
    inline = _connect(folder, data)
    expect(Path(inline.certificate_file or "").read_bytes(), b"client-certificate-data", "the certificate")
    expect(Path(inline.key_file or "").read_bytes(), b"client-key-data", "the key")
    expect(inline.authorization(), None, "the token")
    for name in ("cert", "key"):
        (folder / name).write_text(name)
    files = _connect(folder, {"client-certificate": str(folder / "cert"), "client-key": str(folder / "key")})
    expect((files.certificate_file, files.key_file), (str(folder / "cert"), str(folder / "key")), "the files")


def kubeconfig_with_an_exec_plugin(folder: Path, _address: str) -> None:
    """A token that is asked for again once it is about to expire, and not before."""
    (folder / "aws").write_text(PLUGIN)
    (folder / "aws").chmod(0o755)
    answer, count = folder / "answer", folder / "count"
    version = "client.authentication.k8s.io/v1beta1"

    def answers(token: str, minutes: int) -> None:
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
        status = {"token": token, "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        answer.write_text(json.dumps({"kind": "ExecCredential", "apiVersion": version, "status": status}))

    answers("first", minutes=1)  # which counts as expired: a token is renewed five minutes before its time
    variables = [{"name": "COUNT", "value": str(count)}, {"name": "ANSWER", "value": str(answer)}]
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    connection = _connect(
        folder,
        {
            "exec": {
                "apiVersion": version,
                "command": "aws",
                "args": ["eks", "get-token", "--cluster-name", "logs"],
                "env": variables,
                "interactiveMode": "Never",
            }
        },
    )
    answers("second", minutes=15)
    expect(connection.authorization(), "Bearer second", "the token after the first has expired")
    asked = count.read_text().count("x")
    answers("third", minutes=15)
    expect(connection.authorization(), "Bearer second", "a token that is still good")
    expect(count.read_text().count("x"), asked, "how often the plugin ran")


def service_account_of_a_pod(folder: Path, _address: str) -> None:
    """The token is read again once it may have been rotated."""
    token, authority = folder / "token", folder / "ca.crt"
    token.write_text("projected")
    authority.write_text("authority")
    incluster_config.SERVICE_TOKEN_FILENAME = str(token)
    incluster_config.SERVICE_CERT_FILENAME = str(authority)
    os.environ |= {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    os.environ.pop("KUBECONFIG", None)
    connection = Connection()
    expect(connection.server, "https://10.0.0.1:443", "the server")
    expect(connection.ca_file, str(authority), "the cluster's CA")
    expect(connection.authorization(), "bearer projected", "the token")


def aws(_folder: Path, address: str) -> None:
    """The operator's own clients, and how they report errors."""
    with_keys(address)
    queue, reader = Queue(f"{address}/queue", wait_seconds=0, visibility_seconds=30), ResultReader([])
    expect(_refusal(queue.hide([preflight.NO_MESSAGE], 0)), "QueueDoesNotExist", "SQS's error")
    row = ResultRef(table="results", pk="p", sk="s")
    expect(_refusal(reader.read(row)), "ResourceNotFoundException", "DynamoDB's error")
    without_keys()


def _refusal(call: Coroutine[Any, Any, object]) -> str:
    """Return the code of the error that a call to AWS ends with."""
    try:
        asyncio.run(call)
    except AwsError as error:
        return error.code
    raise SystemExit("AWS refused nothing")


def rules(_folder: Path, _address: str) -> None:
    """The engine checks policies."""
    for pattern, reason in (("a(?=b)", "RulesCompiled"), ("(", "InvalidRule")):
        selection = RuleSelection.model_validate({"inline": [{"name": "x", "pattern": pattern}]})
        verdict = asyncio.run(rulechecks.check(LogScanPolicySpec(rules=selection)))
        expect(verdict.reason, reason, verdict.message)


if __name__ == "__main__":
    run(
        [
            kubeconfig_with_a_token,
            kubeconfig_with_a_client_certificate,
            kubeconfig_with_an_exec_plugin,
            service_account_of_a_pod,
            aws,
            rules,
        ]
    )
