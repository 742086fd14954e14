"""The chart: what it renders is valid, a real API server takes it, and it installs, upgrades and uninstalls."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from pydantic.alias_generators import to_camel

from logscan_local import binaries
from logscan_local.cluster import Kubectl, KubectlError, Object
from logscan_local.errors import StackError
from logscan_local.install import secrets
from logscan_local.manifests import CHART, render
from logscan_local.ports import free_ports
from logscan_local.stack import Stack, State
from logscan_local.testing import eventually
from logscan_operator.metrics import Metrics
from logscan_operator.settings import Settings

CASES = sorted((CHART / "ci").glob("*.yaml"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
NOT_BUILT_IN = ("logscan.dev/", "monitoring.coreos.com/", "apiextensions.k8s.io/")
# Settings that the chart makes of other values.
ELSEWHERE = {
    "namespace",
    "watch_namespaces",
    "queue_url",
    "table",
    "scanner_image",
    "scanner_service_account",
    "scanner_env_secret",
    "scanner_image_pull_policy",
    "scanner_job",
    "reports_bucket",
    "mail_sender",
    "http_port",
}


def rendered(path: Path, *arguments: str) -> list[Object]:
    return [m for m in yaml.safe_load_all(render(f"--values={path}", *arguments)) if m]


def pods_in(manifests: list[Object]) -> Iterator[Object]:
    """Yield every pod that the manifests make."""
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            yield manifest["spec"]["template"]
        if manifest["kind"] == "Pod":
            yield manifest


def test_the_schema_knows_every_setting_of_the_operator() -> None:
    wanted = {to_camel(name) for name in Settings.model_fields.keys() - ELSEWHERE}
    assert SCHEMA["properties"]["settings"]["properties"].keys() == wanted


def test_the_defaults_obey_the_schema() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.safe_load((CHART / "values.yaml").read_text()))


@pytest.mark.tools
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("aws.queueURL=x", "additional properties 'queueURL' not allowed"),
        ("settings.maxConcurrent=0", "minimum: got 0, want 1"),
        ("watchNamespaces={A}", "'A' does not match pattern"),
        ("aws.queueUrl=logscan.fifo", "'logscan.fifo' does not match pattern"),
        ("metrics.podMonitor.enabled=maybe", "value must be one of"),
    ],
)
def test_a_bad_value_is_named(value: str, problem: str) -> None:
    with pytest.raises(StackError, match=problem):
        render(f"--set={value}")


@pytest.mark.tools
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_what_it_renders_obeys_kubernetes_schemas(case: Path) -> None:
    manifests = [m for m in rendered(case) if not m["apiVersion"].startswith(NOT_BUILT_IN)]
    assert len(manifests) >= 6
    for manifest in manifests:
        kubernetes_validate.validate(
            manifest, binaries.KUBERNETES_VERSION.removeprefix("v").rsplit(".", 1)[0], strict=True
        )


@pytest.mark.tools
def test_the_operator_can_read_its_settings() -> None:
    for case in CASES:
        (configuration,) = [m for m in rendered(case) if m["kind"] == "ConfigMap"]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"LOGSCAN_QUEUE_URL": "q", **configuration["data"]}.items():
                patch.setenv(name, value or "q")
            patch.setenv("LOGSCAN_NAMESPACE", "logscan")
            settings = Settings.model_validate({})
        if case.stem == "everything":
            assert settings.namespaces == ["logscan", "team-a", "team-b"]
            assert settings.scanner_job.labels == {"kueue.x-k8s.io/queue-name": "scans"}
            assert (settings.aging_seconds, settings.failed_ttl_seconds, settings.debug) == (30.5, 2592000, True)


@pytest.mark.tools
def test_monitors_come_where_the_kind_is_known() -> None:
    def kinds(*arguments: str) -> set[str]:
        return {m["kind"] for m in rendered(CHART / "ci" / "default.yaml", *arguments)}

    known = [f"--api-versions=monitoring.coreos.com/v1/{kind}" for kind in ("PodMonitor", "PrometheusRule")]
    assert kinds(*known) - kinds() == {"PodMonitor", "PrometheusRule"}


@pytest.mark.tools
def test_alerts_are_about_metrics_that_exist() -> None:
    (rule,) = [m for m in rendered(CHART / "ci" / "everything.yaml") if m["kind"] == "PrometheusRule"]
    asked = {name for r in rule["spec"]["groups"][0]["rules"] for name in re.findall(r"logscan_\w+", r["expr"])}
    families = list(Metrics(slots=1).registry.collect())
    told = {sample.name for family in families for sample in family.samples}
    told |= {f"{family.name}_total" for family in families if family.type == "counter"}
    assert asked
    assert asked <= told


@pytest.fixture(scope="module")
def namespaces(bare_kubectl: Kubectl) -> Kubectl:
    """Return kubectl for a cluster with further namespaces, which enforce the level `restricted`."""
    for name in ("team-a", "team-b"):
        bare_kubectl.run("create", "namespace", name)
        bare_kubectl.run("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
    return bare_kubectl


@pytest.mark.controlplane
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_a_real_api_server_takes_it(case: Path, namespaces: Kubectl) -> None:
    manifests = rendered(case, "--set=crds.install=false", "--api-versions=logscan.dev/v1alpha1")
    manifests = [m for m in manifests if not m["apiVersion"].startswith("monitoring.coreos.com/")]
    for crd in sorted((CHART / "files" / "crds").glob("*.yaml")):
        namespaces.run("apply", "--server-side", "--force-conflicts", f"--filename={crd}")
    known = eventually(lambda: "logscanpolicies" in namespaces.run("api-resources", "--cached=false"), 20, "the CRDs")
    assert known
    taken = 0
    for namespace in {m["metadata"].get("namespace", namespaces.namespace) for m in manifests}:
        items = [m for m in manifests if m["metadata"].get("namespace", namespaces.namespace) == namespace]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        there = Kubectl(namespaces.program, namespaces.kubeconfig, namespace)
        taken += len(there.run("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=listed).splitlines())
    assert taken == len(manifests)


@pytest.mark.controlplane
@pytest.mark.parametrize("overlay", ["local", "kind", "eks"])
def test_a_real_api_server_takes_the_overlays(overlay: str, namespaces: Kubectl) -> None:
    made = namespaces.run("kustomize", str(CHART.parent / "overlays" / overlay))
    manifests = [m for m in yaml.safe_load_all(made) if not m["apiVersion"].startswith("logscan.dev/")]
    (configuration,) = [m["data"] for m in manifests if m["kind"] == "ConfigMap"]
    assert configuration["LOGSCAN_TABLE"] == "logscan-results"
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    taken = namespaces.run("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=listed)
    assert len(taken.splitlines()) == len(manifests)


@pytest.mark.controlplane
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_its_pods_pass_the_restricted_level(case: Path, namespaces: Kubectl) -> None:
    manifests = yaml.safe_load_all(render(f"--values={case}", with_tests=True))
    pods = list(pods_in([m for m in manifests if m]))
    assert len(pods) == 2
    restricted = Kubectl(namespaces.program, namespaces.kubeconfig, "team-a")
    for number, pod in enumerate(pods):
        # Accounts and classes are made in no dry run.
        spec = {k: v for k, v in pod["spec"].items() if k not in ("serviceAccountName", "priorityClassName")}
        metadata = {"name": f"pod-{number}", "namespace": "team-a"}
        body = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        restricted.run("create", "--dry-run=server", "--filename=-", stdin=body)
        spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
        body = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        with pytest.raises(KubectlError, match="violates PodSecurity"):
            restricted.run("create", "--dry-run=server", "--filename=-", stdin=body)


class Release:
    """The chart installed by Helm, in a namespace of its own."""

    def __init__(self, stack: Stack, state: State, values: Path) -> None:
        kubectl = stack.kubectl()
        self.kubectl = Kubectl(kubectl.program, kubectl.kubeconfig, "helmed")
        self._values = values
        self.resources = resources = state.resources
        self.values: dict[str, Any] = {
            "aws": {
                "region": "eu-central-1",
                "queueUrl": resources.queue_url,
                "table": resources.table,
                "endpointUrl": resources.endpoint,
            },
            "envSecret": "logscan-operator-aws",
            "scanner": {"envSecret": "logscan-scanner-aws"},
            "settings": {"receiveWaitSeconds": 1, "leaseSeconds": 3},
            "httpPort": free_ports(1)[0],
        }

    def helm(self, *arguments: str) -> str:
        self._values.write_text(json.dumps(self.values))
        command = [str(binaries.helm(lambda _: None)), *arguments, "--namespace=helmed"]
        command += [f"--kubeconfig={self.kubectl.kubeconfig}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def apply(self, *flags: str) -> str:
        """Install or upgrade."""
        way = ["upgrade", "--install", "logscan", str(CHART), f"--values={self._values}", "--wait", "--timeout=90s"]
        return self.helm(*way, *flags)

    def scan(self, name: str, bucket: str = "logs") -> str:
        return self.kubectl.run(
            "apply",
            "--filename=-",
            stdin=json.dumps(
                {
                    "apiVersion": "logscan.dev/v1alpha1",
                    "kind": "LogScan",
                    "metadata": {"name": name},
                    "spec": {"source": {"s3": {"bucket": bucket, "key": "no.log"}}, "rules": {"packs": ["generic"]}},
                }
            ),
        )


@pytest.fixture
def release(tmp_path: Path) -> Iterator[Release]:
    stack = Stack(f"test-helm-{tmp_path.name}", lambda _: None)
    try:
        made = Release(stack, stack.up(with_operator=False), tmp_path / "values.yaml")
        state = stack.state()
        assert state is not None
        namespace = {"name": "helmed", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        made.kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": namespace}])
        made.kubectl.apply(secrets(state.resources, "helmed"))
        yield made
    finally:
        stack.down()


@pytest.mark.stack
def test_install_check_upgrade_and_uninstall(release: Release) -> None:
    kubectl = release.kubectl
    assert "helm test logscan" in release.apply()
    assert kubectl.get("logscanpolicy", "default")["spec"]["rules"]["packs"] == ["generic"]

    told = release.helm("test", "logscan", "--logs")
    assert "ok      read the table logscan-results" in told
    assert "ok      use the queue" in told
    assert "FAILED" not in told

    release.scan("stored")
    eventually(lambda: kubectl.get("logscan", "stored").get("status", {}).get("phase") == "Failed", 60, "the scan")

    # The first upgrade takes over what the installation made by a hook, with the values of then.
    release.values["defaultPolicy"] = {"packs": ["generic", "kubernetes"]}
    release.values["allowedBuckets"] = {"helmed": ["logs", "team-*"]}
    release.apply()
    assert kubectl.get("logscanpolicy", "default")["spec"]["rules"]["packs"] == ["generic", "kubernetes"]
    assert kubectl.get("logscan", "stored")["status"]["reason"] == "ObjectNotFound"
    release.values["defaultPolicy"] = {"packs": ["etcd"]}
    release.apply()
    assert kubectl.get("logscanpolicy", "default")["spec"]["rules"]["packs"] == ["etcd"]

    def refused() -> str:
        try:
            release.scan("elsewhere", "secrets")
        except KubectlError as error:
            return str(error)
        kubectl.run("delete", "logscan", "elsewhere")
        return ""

    said = eventually(refused, 20, "a bucket of others to be refused")
    assert "spec.source.s3.bucket: namespace helmed may not scan secrets" in said
    release.scan("mine", "team-a-logs")

    # LogScans of further namespaces are run under a Role of less.
    team = Kubectl(kubectl.program, kubectl.kubeconfig, "team-a")
    team.run("create", "namespace", "team-a")
    team.apply(secrets(release.resources, "team-a"))
    release.values["watchNamespaces"] = ["team-a"]
    release.apply()
    source = {"s3": {"bucket": "logs", "key": "no.log"}}
    body = {"source": source, "rules": {"packs": ["generic"]}}
    scan = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": "theirs"}, "spec": body}
    team.run("apply", "--filename=-", stdin=json.dumps(scan))
    eventually(
        lambda: team.get("logscan", "theirs").get("status", {}).get("reason") == "ObjectNotFound", 60, "team-a's scan"
    )

    # Scans that are under way hold nothing up, and what is stored stays.
    release.helm("uninstall", "logscan", "--wait", "--timeout=60s")
    assert {s["metadata"]["name"] for s in kubectl.get("logscans")["items"]} == {"stored", "mine"}
    left = kubectl.get("deployments,serviceaccounts,roles,rolebindings,configmaps,networkpolicies")["items"]
    assert {o["metadata"]["name"] for o in left} == {"default", "kube-root-ca.crt"}

    # Again, with what was left; then everything goes.
    release.apply()
    release.values["crds"] = {"keep": False}
    release.apply()
    release.helm("uninstall", "logscan", "--wait", "--timeout=60s")
    eventually(lambda: not kubectl.get("crds")["items"], 60, "the CRDs to go with all that is stored")


@pytest.mark.stack
def test_the_check_says_what_is_wrong(release: Release) -> None:
    release.apply()
    release.values["aws"]["table"] = "no-such-table"
    release.values["aws"]["queueUrl"] += "-not"
    release.apply("--set=replicas=0")
    kubectl = release.kubectl
    with pytest.raises(AssertionError):
        release.helm("test", "logscan")
    said = kubectl.run("logs", "logscan-check")
    assert "FAILED  read the table no-such-table" in said
    assert "FAILED  use the queue" in said
    assert "ok      list /apis/logscan.dev/v1alpha1/namespaces/helmed/logscans" in said
