"""The output `helm_values` is what the chart takes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import EVERYTHING, Evaluate, Outputs

from logscan_tools.manifests import CHART, render

pytestmark = pytest.mark.tools

SCHEMA = json.loads((CHART / "values.schema.json").read_text())


@pytest.fixture(params=["least", "everything", "irsa", "without the forwarder"])
def outputs(request: pytest.FixtureRequest, documents: Evaluate, everything: Outputs) -> Outputs:
    if request.param == "everything":
        return everything
    if request.param == "without the forwarder":
        return documents(
            create_forwarder=False, queue_url="https://sqs.eu-central-1.amazonaws.com/111122223333/logscan"
        )
    provider = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    return documents(**({} if request.param == "least" else {"credentials": "irsa", "oidc_provider_arn": provider}))


def test_the_charts_schema_knows_every_key(outputs: Outputs) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(outputs["helm_values"])


def test_the_charts_schema_refuses_a_key_it_does_not_know(everything: Outputs) -> None:
    values = {**everything["helm_values"], "aws": {**everything["helm_values"]["aws"], "queueURL": "x"}}
    with pytest.raises(jsonschema.ValidationError, match="queueURL"):
        jsonschema.Draft202012Validator(SCHEMA).validate(values)


def test_the_chart_renders_with_them(outputs: Outputs, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(json.dumps(outputs["helm_values"]))
    manifests = [m for m in yaml.safe_load_all(render(f"--values={values}")) if m]
    by_name = {(m["kind"], m["metadata"]["name"], m["metadata"].get("namespace")): m for m in manifests}
    configuration = by_name["ConfigMap", "logscan-operator", "logscan"]["data"]
    aws = outputs["helm_values"]["aws"]
    assert configuration["LOGSCAN_QUEUE_URLS"] == aws["queueUrl"]
    assert configuration["LOGSCAN_TABLE"] == aws["table"]
    assert configuration["LOGSCAN_REPORTS_BUCKET"] == aws["reportsBucket"]
    assert configuration.get("LOGSCAN_MAIL_SENDER", "") == aws["mailSender"]
    for role in ("operator", "scanner"):
        for namespace in outputs["service_accounts"][role]["namespaces"]:
            account = by_name["ServiceAccount", outputs["service_accounts"][role]["name"], namespace]
            trusted = outputs["pod_trusts"][role]["Statement"][0]["Condition"]["StringEquals"]
            by_irsa = "eks.amazonaws.com/role-arn" in account["metadata"].get("annotations", {})
            assert by_irsa == any(name.endswith(":sub") for name in trusted)


def test_pods_go_where_the_nodes_are(everything: Outputs, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(json.dumps(everything["helm_values"]))
    manifests = [m for m in yaml.safe_load_all(render(f"--values={values}")) if m]
    (deployment,) = [m for m in manifests if m["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["nodeSelector"] == EVERYTHING["operator_pods"]["node_selector"]
    (configuration,) = [m for m in manifests if m["kind"] == "ConfigMap"]
    job = json.loads(configuration["data"]["LOGSCAN_SCANNER_JOB"])
    assert job["nodeSelector"] == EVERYTHING["scan_pods"]["node_selector"]
    assert job["tolerations"] == EVERYTHING["scan_pods"]["tolerations"]
