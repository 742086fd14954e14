"""What a container's variables give its process, by the rules of a kubelet (`logscan_local.stack.node.expansion`)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import SETTINGS, scan_body

from logscan_api.requests import ScanRequest
from logscan_local.stack.node.expansion import expand
from logscan_operator import jobs
from logscan_operator.environment import values_of, variable
from logscan_operator.items import Object, Scan
from logscan_operator.resolving import resolve
from logscan_scanner.program import read_request

SECRETS = {"AWS_SECRET_ACCESS_KEY": "s3cr3t", "A": "$(AWS_SECRET_ACCESS_KEY)", "": "empty"}
LITERAL = ["$(AWS_SECRET_ACCESS_KEY)", r"^user@host.*\$$", r"[$$]\d+", r"\Q$$FastClassBySpringCGLIB$$\E", "$", "$$(A)"]
# Text in which dollars and parentheses are as frequent as all other characters together.
TEXT = st.text(st.sampled_from("$()A") | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(TEXT)
def test_a_variable_gives_its_process_what_it_was_made_of(text: str) -> None:
    entry = variable("NAME", text)
    assert expand(entry["value"], SECRETS) == text
    assert values_of({"env": [{"name": "OTHER"}, entry]}) == {"NAME": text}


def test_a_variable_that_is_not_there() -> None:
    assert values_of({}) == {}
    assert values_of({"env": [{"name": "NAME", "valueFrom": {}}]}) == {}


def started(job: Object) -> dict[str, str]:
    """Return the environment in which a kubelet would start a Job's container, Secrets first."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    values = dict(SECRETS)
    for entry in container["env"]:
        values[entry["name"]] = expand(entry["value"], values) if "value" in entry else "from the pod"
    return values


def built(key: str, patterns: list[str], env: dict[str, str]) -> Object:
    rules: Any = {"inline": [{"name": f"r{n}", "pattern": pattern} for n, pattern in enumerate(patterns)]}
    wanted = Scan.parse(scan_body(source={"s3": {"bucket": "logs", "key": key}}, rules=rules), whole=True)
    resolved = resolve(wanted.readable_spec, {}, {}, SETTINGS)
    return jobs.build_job(wanted, jobs.build_request(wanted, 1, resolved, SETTINGS), resolved, SETTINGS, env)


@pytest.mark.parametrize("text", LITERAL)
@pytest.mark.parametrize("rules", [1, 100])
def test_keys_rules_and_addresses_reach_the_scanner_as_they_are(text: str, rules: int) -> None:
    patterns = [f"{text}{n:0900}" for n in range(rules)]
    environment = started(built(f"logs/{text}", patterns, {"AWS_ENDPOINT_URL": f"http://{text}"}))
    request = read_request(environment, ScanRequest)
    assert (request.source.key, [rule.pattern for rule in request.rules]) == (f"logs/{text}", patterns)
    assert environment["AWS_ENDPOINT_URL"] == f"http://{text}"
    assert environment["LOGSCAN_REQUEST"].count("s3cr3t") == 0


@pytest.mark.parametrize("text", LITERAL)
def test_a_job_records_rules_as_they_are(text: str) -> None:
    resolved = jobs.recorded(built(text, [text], {}))
    assert resolved is not None
    assert resolved.rules is not None
    assert [rule.pattern for rule in resolved.rules.inline or []] == [text]


@given(TEXT, TEXT)
def test_nothing_that_a_person_writes_is_expanded(key: str, pattern: str) -> None:
    environment = started(built(key[:1024], [pattern[:1024]], {}))
    request = read_request(environment, ScanRequest)
    assert (request.source.key, request.rules[0].pattern) == (key[:1024], pattern[:1024])
