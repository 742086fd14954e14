"""`python -m logscan_local.kind`: what `local/kind` does besides running programs: AWS resources, Secrets, an upload.

`resources` makes everything in LocalStack and the Secrets with its keys, and writes a state file, from which the
end-to-end tests know where everything is. `upload` puts a file into the bucket and prints the LogScan it becomes.
"""

import argparse
import json
import sys
from pathlib import Path

from logscan_api.events import ObjectEvent
from logscan_api.identity import scan_name
from logscan_local import aws
from logscan_local.cluster import Kubectl
from logscan_local.elsewhere import Elsewhere
from logscan_local.errors import StackError
from logscan_local.install import NAMESPACE, namespace, secrets
from logscan_local.stack import State

ENDPOINT = "http://localhost:4566"  # as local/kind/cluster.yaml maps it


def make_resources(folder: Path, kubectl: Kubectl, endpoint: str) -> None:
    """Make AWS resources, namespace and Secrets, unless the state file says that they are there."""
    path = folder / "state.json"
    if not path.exists():
        state = State([], aws.create_all(endpoint, bridged=True), kubectl.program)
        path.write_text(json.dumps({**state.to_json(), "kubeconfig": str(kubectl.kubeconfig)}, indent=2))
    kubectl.apply([namespace(), *secrets(Elsewhere(path).state().resources)])


def upload(folder: Path, log: Path) -> str:
    """Upload a file and return the name of its LogScan."""
    resources = Elsewhere(folder / "state.json").state().resources
    body = log.read_bytes()
    answer = aws.client("s3", resources.endpoint).put_object(Bucket=resources.bucket, Key=log.name, Body=body)
    return scan_name(ObjectEvent(bucket=resources.bucket, key=log.name, version_id=answer["VersionId"]))


def main() -> int:
    """Do what the scripts ask."""
    parser = argparse.ArgumentParser(prog="kind", description="What the scripts in local/kind need done.")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("resources")
    making.add_argument("--state", type=Path, required=True)
    making.add_argument("--kubeconfig", type=Path, required=True)
    making.add_argument("--kubectl", type=Path, required=True)
    making.add_argument("--endpoint", default=ENDPOINT)
    uploading = commands.add_parser("upload")
    uploading.add_argument("--state", type=Path, required=True)
    uploading.add_argument("log", type=Path)
    chosen = parser.parse_args()
    try:
        if chosen.command == "resources":
            make_resources(chosen.state, Kubectl(chosen.kubectl, chosen.kubeconfig, NAMESPACE), chosen.endpoint)
        else:
            print(upload(chosen.state, chosen.log))
    except (StackError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
