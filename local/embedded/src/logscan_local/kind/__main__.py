"""`python -m logscan_local.kind`: what the scripts in `local/kind` do besides running programs.

The state folder of a cluster has its kubeconfig and a state file, from which the end-to-end tests know where everything
is. `resources` makes what is missing in LocalStack, and the Secrets with its keys; `rollout` waits for a Deployment;
`bridge` installs the forwarder's stand-in; `demo` uploads a log and shows what becomes of it; `env` prints variables.
"""

import argparse
import shlex
import sys
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError
from rich.console import Console

from logscan_local.kind import cluster as kindcluster
from logscan_local.kind import rollout
from logscan_local.stack import aws
from logscan_local.stack.errors import StackError
from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.progress import Watcher
from logscan_local.stack.state import State
from logscan_local.stack.uploads import put_file
from logscan_tools.errors import ToolError
from logscan_tools.manifests import NAMESPACE

ENDPOINT = "http://localhost:4566"  # as local/kind/cluster.yaml maps it
DEMO_SECONDS = 180
SLOWEST_BYTES = 512 * 1024  # a second


def demo(folder: Path, kubectl: Kubectl, log: Path, console: Console) -> int:
    """Upload a log, wait for its scan and show it; return 0 if it succeeded.

    Raises:
        StackError: The log cannot be uploaded, or its scan did not end.
    """
    if not log.is_file() or not log.stat().st_size:
        raise StackError(f"{log} is no file, or empty: there is nothing to scan")
    resources = State.read(folder / "state.json").resources
    stored = put_file(aws.client("s3", resources.endpoint), log, resources.bucket, f"demo/{log.name}")
    console.print(f"uploaded s3://{stored.bucket}/{stored.key}  ({stored.size:,} bytes)", markup=False)
    seconds = DEMO_SECONDS + stored.size / SLOWEST_BYTES
    (scan,) = Watcher(kubectl, console).until_finished({stored.key: stored.is_source_of}, seconds).values()
    name, status = scan["metadata"]["name"], scan["status"]
    console.print(kubectl.run("get", "logscan", name, "--output=wide"), markup=False, soft_wrap=True)
    console.print(status.get("summary") or status.get("message", ""), markup=False, soft_wrap=True)
    console.print(
        f"more: kubectl --namespace {kubectl.namespace} describe logscan {name}", markup=False, soft_wrap=True
    )
    return 0 if status["phase"] == "Succeeded" else 1


def environment(folder: Path, kubectl: Kubectl) -> dict[str, str]:
    """Return the variables with which kubectl, boto3 and the AWS CLI reach the cluster and LocalStack."""
    return {
        "KUBECONFIG": str(kubectl.kubeconfig),
        "AWS_ENDPOINT_URL": State.read(folder / "state.json").resources.endpoint,
        "AWS_REGION": aws.REGION,
        "AWS_DEFAULT_REGION": aws.REGION,
        **aws.ADMINISTRATOR.environment(),
    }


def explained(error: Exception, endpoint: str) -> str:
    """Return one sentence for what went wrong; where AWS's library raised it, with what to do."""
    cause = error.__cause__ or error
    if isinstance(cause, HTTPClientError | BotoConnectionError):
        return f"LocalStack does not answer at {endpoint} ({cause}): `make kind-up` starts what does not run"
    if isinstance(cause, BotoCoreError | Boto3Error | ClientError):
        again = "LocalStack keeps nothing over a restart, `make kind-up` makes again what is missing"
        return f"LocalStack refused: {error}; {again}"
    return str(error)


def main(arguments: list[str] | None = None) -> int:
    """Do what the scripts ask."""
    chosen = _options(arguments)
    folder: Path = chosen.state
    kubectl = Kubectl(chosen.kubectl, folder / "kubeconfig", chosen.namespace)
    try:
        match chosen.command:
            case "resources":
                kindcluster.wait_for_localstack(chosen.endpoint, chosen.seconds, _say)
                print(kindcluster.make_resources(folder, kubectl, chosen.endpoint, _say))
            case "rollout":
                rollout.wait(kubectl, chosen.deployment, chosen.seconds, _say)
            case "answers":
                kindcluster.wait_for_server(kubectl, chosen.seconds, _say)
            case "bridge":
                kubectl.apply(kindcluster.bridge(chosen.image))
            case "demo":
                return demo(folder, kubectl, chosen.log, Console(highlight=False))
            case "env":
                for name, value in environment(folder, kubectl).items():
                    print(f"export {name}={shlex.quote(value)}")
    except (ToolError, OSError, BotoCoreError, Boto3Error, ClientError) as error:
        sys.stderr.write(f"{explained(error, chosen.endpoint)}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kind", description="What the scripts in local/kind need done.")
    parser.add_argument("--state", type=Path, required=True, help="folder with kubeconfig and state file")
    parser.add_argument("--kubectl", type=Path, default=Path("kubectl"))
    parser.add_argument("--namespace", default=NAMESPACE)
    parser.add_argument("--endpoint", default=ENDPOINT, help="where LocalStack is (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("resources", help="make what is missing in LocalStack; print a checksum of its keys")
    making.add_argument("--seconds", type=float, default=120, help="how long to wait for LocalStack")
    waiting = commands.add_parser("rollout", help="wait for a Deployment")
    waiting.add_argument("deployment")
    waiting.add_argument("seconds", type=float)
    answering = commands.add_parser("answers", help="wait for the API server")
    answering.add_argument("seconds", type=float)
    commands.add_parser("bridge", help="install the bridge").add_argument("image", help="the operator's image")
    commands.add_parser("demo", help="upload a log and follow its scan").add_argument("log", type=Path)
    commands.add_parser("env", help="print variables for a shell")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
