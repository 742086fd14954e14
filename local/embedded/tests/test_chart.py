"""The chart: what it renders is valid, and a real API server takes it."""

import base64
import json
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from logscan_local.stack.install import install_crds
from logscan_local.stack.kubectl import Kubectl, KubectlError, Object
from logscan_local.testkit.waiting import eventually
from logscan_operator.settings import Settings
from logscan_tools import binaries
from logscan_tools.errors import ToolError
from logscan_tools.manifests import CHART, INSTALL, render

CASES = sorted((CHART / "ci").glob("*.yaml"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
NOT_BUILT_IN = ("logscan.dev/", "monitoring.coreos.com/", "apiextensions.k8s.io/")


def rendered(path: Path, *arguments: str) -> list[Object]:
    return [m for m in yaml.safe_load_all(render(f"--values={path}", *arguments)) if m]


def pods_in(manifests: list[Object]) -> Iterator[Object]:
    """Yield every pod that the manifests make."""
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            yield manifest["spec"]["template"]
        if manifest["kind"] == "Pod":
            yield manifest


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
        ("settings.agingSeconds=-0.5", "'-0.5' does not match pattern"),
        ("settings.agingSeconds=0.0", "'0.0' does not match pattern"),
        ("settings.maxConcurrent=0.5", "'0.5' does not match pattern"),
        ("settings.debug=maybe", "value must be one of"),
        ("settings.ttlSeconds=999999999999", "at '/settings/ttlSeconds': maximum"),
    ],
)
def test_a_bad_value_is_named(value: str, problem: str) -> None:
    with pytest.raises(ToolError, match=problem):
        render(f"--set={value}")


@pytest.mark.tools
@pytest.mark.parametrize("flag", ["--set", "--set-string"])
@pytest.mark.parametrize(
    ("value", "variable"),
    [
        ("settings.agingSeconds=0.5", 'LOGSCAN_AGING_SECONDS: "0.5"'),
        ("settings.agingSeconds=30", 'LOGSCAN_AGING_SECONDS: "30"'),
        ("settings.maxConcurrent=5", 'LOGSCAN_MAX_CONCURRENT: "5"'),
        ("settings.failedTtlSeconds=31536000", 'LOGSCAN_FAILED_TTL_SECONDS: "31536000"'),
        ("settings.debug=true", 'LOGSCAN_DEBUG: "true"'),
    ],
)
def test_a_setting_may_be_given_in_each_of_helms_ways(flag: str, value: str, variable: str) -> None:
    assert f"  {variable}\n" in render(f"{flag}={value}")


@pytest.mark.tools
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_the_chart_has_nothing_of_a_kind_that_it_brings(case: Path) -> None:
    """Helm, and kubectl apply, refuse a kind that the cluster does not know yet, or make it by a race."""
    assert not [m for m in rendered(case) if m["apiVersion"].startswith("logscan.dev/")]


@pytest.mark.tools
def test_a_slow_start_is_not_taken_for_a_dead_operator() -> None:
    (pod,) = pods_in(rendered(CHART / "ci" / "default.yaml"))
    (container,) = pod["spec"]["containers"]
    probe = container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300
    assert probe["periodSeconds"] <= 5, "ready soon after it has started"


@pytest.mark.tools
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_what_it_renders_obeys_kubernetes_schemas(case: Path) -> None:
    manifests = [m for m in rendered(case) if not m["apiVersion"].startswith(NOT_BUILT_IN)]
    assert len(manifests) >= 6
    for manifest, version in product(manifests, ("1.34", "1.35", "1.36", "1.37")):
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.tools
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_helm_4_lints_it_and_renders_the_same(case: Path) -> None:
    fourth = str(binaries.pinned(binaries.HELM_4, print))
    third = str(binaries.helm(print))
    lint = ["lint", "--strict", str(CHART), f"--values={case}"]
    # A key of one's own: each rendering makes another.
    render_it = ["template", "logscan", str(CHART), f"--values={case}", "--set=signingKeys.secret=mine"]
    render_it.append(f"--kube-version={binaries.KUBERNETES_VERSION}")
    made = []
    for program in (third, fourth):
        judged = subprocess.run([program, *lint], capture_output=True, text=True)
        assert judged.returncode == 0, judged.stdout + judged.stderr
        made.append(subprocess.run([program, *render_it], capture_output=True, text=True, check=True).stdout)
    assert [m for m in yaml.safe_load_all(made[0]) if m] == [m for m in yaml.safe_load_all(made[1]) if m]


@pytest.mark.tools
def test_images_for_one_architecture_run_on_its_nodes_alone() -> None:
    for case, wanted in (
        ("default", (None, None)),
        ("eks", ({"kubernetes.io/arch": "arm64", "logscan.dev/role": "operator"}, {"logscan.dev/role": "scans"})),
    ):
        manifests = rendered(CHART / "ci" / f"{case}.yaml")
        (pod,) = pods_in(manifests)
        assert pod["spec"].get("nodeSelector") == wanted[0]
        (settings,) = [m["data"] for m in manifests if m["kind"] == "ConfigMap" and "LOGSCAN_TABLE" in m["data"]]
        job = json.loads(settings.get("LOGSCAN_SCANNER_JOB", "{}"))
        expected = {**wanted[1], "kubernetes.io/arch": "arm64"} if wanted[1] else None
        assert job.get("nodeSelector") == expected


@pytest.mark.tools
def test_a_service_monitor_comes_with_its_service_and_without_a_pod_monitor() -> None:
    known = ["--api-versions=monitoring.coreos.com/v1/PodMonitor"]
    manifests = rendered(CHART / "ci" / "eks.yaml", *known)
    assert {"Service", "ServiceMonitor"} <= {m["kind"] for m in manifests}
    assert "PodMonitor" not in {m["kind"] for m in manifests}
    (service,) = [m for m in manifests if m["kind"] == "Service"]
    (monitor,) = [m for m in manifests if m["kind"] == "ServiceMonitor"]
    (pod,) = pods_in(manifests)
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    with pytest.raises(ToolError, match="enable one"):
        rendered(CHART / "ci" / "eks.yaml", "--set=metrics.podMonitor.enabled=true")


@pytest.mark.tools
def test_a_dashboard_is_installed_for_who_asks_for_it() -> None:
    """The sidecar of Grafana's chart looks for the label, and takes each key that ends with .json."""
    assert [m for m in rendered(CHART / "ci" / "default.yaml") if m["metadata"]["name"] == "logscan-dashboard"] == []
    found = [m for m in rendered(CHART / "ci" / "everything.yaml") if m["metadata"]["name"] == "logscan-dashboard"]
    (configuration,) = found
    assert configuration["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert configuration["metadata"]["annotations"] == {"grafana_folder": "logscan"}
    dashboard = (CHART / "files" / "dashboard.json").read_text()
    assert json.loads(configuration["data"]["logscan.json"]) == json.loads(dashboard)


@pytest.mark.tools
def test_the_operator_can_read_its_settings(tmp_path: Path) -> None:
    (tmp_path / "current").write_text("k" * 32)
    for case in CASES:
        (configuration,) = [
            m for m in rendered(case) if (m["kind"], m["metadata"]["name"]) == ("ConfigMap", "logscan-operator")
        ]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"LOGSCAN_QUEUE_URLS": "q", **configuration["data"]}.items():
                patch.setenv(name, value or "q")
            patch.setenv("LOGSCAN_NAMESPACE", "logscan")
            patch.setenv("LOGSCAN_SIGNING_KEYS", str(tmp_path))
            settings = Settings.model_validate({})
        if case.stem == "everything":
            assert settings.namespaces == ["logscan", "team-a", "team-b"]
            assert settings.scanner_job.labels == {"kueue.x-k8s.io/queue-name": "scans"}
            assert (settings.aging_seconds, settings.failed_ttl_seconds, settings.debug) == (30.5, 2592000, True)


@pytest.mark.tools
def test_each_cluster_has_a_signing_key_of_its_own_or_that_of_a_secret() -> None:
    case = CHART / "ci" / "default.yaml"
    first, second = ([m for m in rendered(case) if m["kind"] == "Secret"] for _ in range(2))
    assert first[0]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    key, other = (base64.b64decode(made[0]["data"]["current"]) for made in (first, second))
    assert (len(key), key != other) == (64, True)
    given = rendered(case, "--set=signingKeys.secret=mine")
    assert "Secret" not in {manifest["kind"] for manifest in given}
    (deployment,) = [manifest for manifest in given if manifest["kind"] == "Deployment"]
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert [v["secret"]["secretName"] for v in volumes if "secret" in v] == ["mine"]
    shipped = yaml.safe_load_all(INSTALL.read_text())
    assert "Secret" not in {manifest["kind"] for manifest in shipped}


@pytest.mark.tools
def test_monitors_come_where_the_kind_is_known() -> None:
    def kinds(*arguments: str) -> set[str]:
        return {m["kind"] for m in rendered(CHART / "ci" / "default.yaml", *arguments)}

    known = [f"--api-versions=monitoring.coreos.com/v1/{kind}" for kind in ("PodMonitor", "PrometheusRule")]
    assert kinds(*known) - kinds() == {"PodMonitor", "PrometheusRule"}


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
    manifests = [m for m in rendered(case) if not m["apiVersion"].startswith("monitoring.coreos.com/")]
    taken = 0
    for namespace in {m["metadata"].get("namespace", namespaces.namespace) for m in manifests}:
        items = [m for m in manifests if m["metadata"].get("namespace", namespaces.namespace) == namespace]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        there = Kubectl(namespaces.program, namespaces.kubeconfig, namespace)
        taken += len(there.run("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=listed).splitlines())
    assert taken == len(manifests)


@pytest.mark.controlplane
@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (
            "view",
            ["get logscans", "watch logscanpolicies", "list logscanrulesets"],
            ["create logscans", "delete logscans"],
        ),
        (
            "edit",
            ["get logscanpolicies", "create logscans", "delete logscans", "patch logscans"],
            ["create logscanpolicies", "create logscanrulesets", "patch logscans/status"],
        ),
        (
            "admin",
            ["create logscans", "create logscanpolicies", "patch logscanrulesets"],
            ["patch logscans/status", "patch logscanpolicies/status", "patch logscanrulesets/status"],
        ),
    ],
)
def test_users_of_a_namespace_have_rights(namespaces: Kubectl, role: str, may: list[str], may_not: list[str]) -> None:
    install_crds(namespaces)
    namespaces.apply([m for m in rendered(CHART / "ci" / "default.yaml") if m["kind"] == "ClusterRole"])
    team = Kubectl(namespaces.program, namespaces.kubeconfig, "team-a")
    team.run("create", "rolebinding", f"users-{role}", f"--clusterrole={role}", f"--user={role}-user")

    def can(what: str) -> bool:
        verb, resource = what.split()
        name, _, subresource = resource.partition("/")
        flags = [f"--as={role}-user", *([f"--subresource={subresource}"] if subresource else [])]
        try:
            return team.run("auth", "can-i", verb, f"{name}.logscan.dev", *flags).strip() == "yes"
        except KubectlError:  # it ends with 1 where the answer is no
            return False

    for what in may:
        eventually(lambda what=what: can(what), 20, f"{role} may {what}")  # type: ignore[misc]
    assert not [what for what in may_not if can(what)]


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
