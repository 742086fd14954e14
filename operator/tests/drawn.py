"""Hypothesis strategies of what others may put before the operator: objects that the CRDs accept, Jobs, messages."""

import json
import re
from typing import Any
from urllib.parse import quote_plus

from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from logscan_api import crds
from logscan_api.logscans import MAX_TTL_SECONDS
from logscan_api.notify import ChannelType
from logscan_api.schema import Schema
from logscan_api.sources import OF_PREFIX
from logscan_operator.items import Object

# Specs are large, and rarely those that a pattern allows.
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
FEW = 3  # of how many items most lists and maps have
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\r\nFAKE\x9b31m\u202eX",
    "\x00",
    "$(LOGSCAN_REQUEST)",
    "${VARIABLE} $$(A) %s {0}",
    "../../etc/passwd",
    "a/./b//c/",
    "\ufeff\u2028\ud7ff\U0010ffff",
    "((a{1,30}b){1,30}c){1,30}",
    "(" * 60,
    "**/*_*_*_*_*_*.log.gz",
    "_" * 900,
    "null",
    "#" * 64,
)
QUANTITIES = (
    "0",
    "1",
    "500m",
    "128Mi",
    "1e3",
    "9" * 64,
    "1e-9",
    "0.000000000000001n",
    "1E",
    "8191Pi",
    "-1",
    "1.5G",
    "",
)
TIMES = (
    "2026-11-25T22:00:00Z",
    "2026-11-25t22:00:00z",
    "2026-11-25T22:00:00.123456789Z",
    "2026-11-25T22:00:00.1Z",
    "2026-11-25T22:00:00+14:00",
    "2026-11-25T22:00:00-23:59",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "0000-01-01T00:00:00Z",
    "2026-11-25T23:59:60Z",
    "2026-11-25T24:00:00Z",
    "2026-11-25T22:00:00",
)
# The API server replaces lone surrogates.
CHARACTERS = st.characters(codec="utf-8")


def texts(most: int, least: int = 0) -> SearchStrategy[str]:
    """Return texts of a length, among them malicious ones and the longest."""
    malicious = [text[:most] for text in HOSTILE if len(text[:most]) >= least]
    longest = st.sampled_from(["x" * most, "$" * most, "é" * (most // 2), "\U0001f600" * (most // 4)])
    return st.one_of(
        st.text(CHARACTERS, min_size=least, max_size=min(most, 40)),
        st.sampled_from(malicious),
        longest.filter(lambda text: len(text) >= least),
    )


def accepted(schema: Schema) -> SearchStrategy[Any]:
    """Return values that a structural schema accepts; its CEL rules may refuse some of them."""
    if schema.get("x-kubernetes-int-or-string"):
        return _numbers_or_words(schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return _anything(schema)
    match schema.get("type"):
        case "object":
            return _objects(schema)
        case "array":
            fewest, most = schema.get("minItems", 0), schema["maxItems"]
            unique = _unique(schema)
            return st.lists(
                accepted(schema["items"]), min_size=fewest, max_size=max(fewest, min(most, FEW)), unique_by=unique
            )
        case "integer":
            least, most = schema["minimum"], schema["maximum"]
            return st.one_of(st.integers(least, most), st.sampled_from([least, most]))
        case "boolean":
            return st.booleans()
    return _strings(schema)


def _numbers_or_words(schema: Schema) -> SearchStrategy[Any]:
    """Return quantities; without a bound of their length, seconds or `never`. Seldom is it anything else."""
    if "maxLength" not in schema:
        return st.one_of(st.integers(0, MAX_TTL_SECONDS), st.sampled_from(["never", 0, MAX_TTL_SECONDS, -1, "0"]))
    return st.one_of(st.sampled_from(QUANTITIES), st.integers(0, 2**63 - 1))


def _anything(schema: Schema) -> SearchStrategy[Any]:
    """Return values of any type that is not an object."""
    scalars = st.one_of(texts(schema["maxLength"]), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.just(">=500"))
    if not schema["maxItems"]:
        return scalars
    return st.one_of(scalars, st.lists(accepted(schema["items"]), min_size=schema["minItems"], max_size=FEW))


def _objects(schema: Schema) -> SearchStrategy[Any]:
    if "properties" in schema:
        fields = {name: accepted(field) for name, field in schema["properties"].items()}
        required = {name: fields.pop(name) for name in schema.get("required", [])}
        alternatives = [set(one["required"]) for one in schema.get("anyOf", [{"required": []}])]
        objects = st.fixed_dictionaries(required, optional=fields)
        return objects.filter(lambda drawn: any(one <= drawn.keys() for one in alternatives))
    names = st.one_of(st.sampled_from(["app", "memory", "cpu", "logscan.dev/scan-uid", "a/b"]), texts(80))
    most = min(schema.get("maxProperties", FEW), FEW)
    least = schema.get("minProperties", 0)
    return st.dictionaries(names, accepted(schema["additionalProperties"]), min_size=least, max_size=most)


def _strings(schema: Schema) -> SearchStrategy[str]:
    if schema.get("format") == "date-time":
        times = st.one_of(st.sampled_from(TIMES), st.datetimes().map(lambda moment: moment.isoformat() + "Z"))
        return times.filter(re.compile(schema.get("pattern", "")).match)
    least, most = schema.get("minLength", 0), schema["maxLength"]
    if "pattern" not in schema:
        return texts(most, least)
    return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True).filter(
        lambda text: least <= len(text) <= most
    )


def _unique(schema: Schema) -> Any:
    """Return by what the items of a list differ."""
    match schema.get("x-kubernetes-list-type"):
        case "map":
            (name,) = schema["x-kubernetes-list-map-keys"]
            return lambda item: item.get(name)
        case "set":
            return lambda item: item
    return None


def schema_of(kind: str, *fields: str) -> Schema:
    """Return the schema of a field of a kind, such as `logscans`."""
    (version,) = crds.build_all()[f"{kind}.yaml"]["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    for field in fields:
        schema = schema["properties"][field]
    return schema


def part(kind: str, name: str) -> SearchStrategy[Object]:
    """Return specs or statuses of a kind, such as `logscans`."""
    return accepted(schema_of(kind, name))


def inline_rules() -> SearchStrategy[list[Object]]:
    """Return rules of a policy's own, at least one."""
    return accepted({**schema_of("logscanpolicies", "spec", "rules", "inline"), "minItems": 1})


def scan_specs() -> SearchStrategy[Object]:
    """Return specs of LogScans, nearly all of which the CRD accepts."""
    return part("logscans", "spec").map(_with_one_source)


def _with_one_source(spec: Object) -> Object:
    """Return a spec that keeps the rules of the CRD about which fields go together."""
    source = spec["source"]["s3"]
    chosen = next((name for name in ("key", "objects") if name in source), "prefix")
    if chosen == "prefix":
        if "inventory" not in source:
            source.setdefault("prefix", "logs/")
        source.pop("modifiedAfter", None)  # it must be before modifiedBefore
    _with_fitting_channels(spec)
    belongs = {
        "key": {"key", "versionId", "etag", "sequencer"},
        "objects": {"objects"},
        "prefix": {"prefix", "inventory", *OF_PREFIX},
    }
    for name in set().union(*belongs.values()) - belongs[chosen]:
        source.pop(name, None)
    return _with_rules_or_none(spec)


def policy_specs() -> SearchStrategy[Object]:
    """Return specs of LogScanPolicies, nearly all of which the CRD accepts."""

    def plausible(spec: Object) -> Object:
        if "batch" in spec:
            spec.pop("unchanged", None)
        _with_fitting_channels(spec)
        return spec if "rules" in _with_rules_or_none(spec) else {**spec, "action": "Ignore"}

    return part("logscanpolicies", "spec").map(plausible)


def _with_fitting_channels(spec: Object) -> None:
    """Make the channels of a spec such that each has what its type needs and nothing else."""
    lacking: Object = {
        "to": ["a@b.example"],
        "topicArn": "arn:aws:sns:eu-central-1:111122223333:t",
        "eventBusArn": "arn:aws:events:eu-central-1:111122223333:event-bus/b",
        "secretRef": {"name": "s", "key": "k"},
    }
    for channel in spec.get("notify", {}).get("channels", []):
        needed = ChannelType(channel["type"]).needs
        for field in lacking.keys() - {needed}:
            channel.pop(field, None)
        channel.setdefault(needed, lacking[needed])
        if channel["type"] != "webhook":
            channel.pop("signingRef", None)
        if channel["type"] != "pagerduty":
            channel.pop("region", None)


def _with_rules_or_none(spec: Object) -> Object:
    rules = spec.get("rules", {})
    if not rules.get("packs") and not rules.get("inline"):
        spec.pop("rules", None)
    return spec


WORDS = st.from_regex(re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", re.ASCII), fullmatch=True)


def scan_labels() -> SearchStrategy[dict[str, str]]:
    """Return labels of LogScans, among them those by which the intake knows its own."""
    names = ["logscan.dev/identity", "logscan.dev/content", "app.kubernetes.io/managed-by", "kueue.x-k8s.io/queue-name"]
    return st.dictionaries(st.sampled_from(names), WORDS.filter(lambda word: len(word) <= 63), max_size=3)


def job_metadata(owner: Object) -> SearchStrategy[Object]:
    """Return labels, annotations and owners of Jobs, some of which look like those of a LogScan's Job.

    Args:
        owner: The reference of that LogScan.
    """
    words = st.one_of(WORDS, st.just("1"))
    labels = st.fixed_dictionaries(
        {"logscan.dev/scan-uid": st.one_of(st.just(owner["uid"]), words)},
        optional={
            "logscan.dev/attempt": st.one_of(st.sampled_from(["0", "1", "2", "9" * 63, "first", "01"]), words),
            "kueue.x-k8s.io/queue-name": words,
            "app.kubernetes.io/name": st.just("logscan-scanner"),
        },
    )
    annotations = st.dictionaries(
        st.sampled_from(
            ["logscan.dev/result", "logscan.dev/resolved", "logscan.dev/suspended", "logscan.dev/signature", "x/y"]
        ),
        st.one_of(documents(), texts(4000)),
        max_size=3,
    )
    changed = st.fixed_dictionaries(
        {}, optional={"kind": st.sampled_from(["Pod", "LogScan"]), "uid": st.uuids().map(str), "name": st.just("x")}
    )
    owners = st.lists(changed.map(lambda change: {**owner, **change}), max_size=1)
    return st.fixed_dictionaries({"labels": labels, "annotations": annotations, "ownerReferences": owners})


def documents() -> SearchStrategy[str]:
    """Return JSON texts of any kind."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts(200)
    trees = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(20), inner, max_size=4)
    )
    return trees.map(json.dumps)


def keys() -> SearchStrategy[str]:
    """Return keys of objects, of which S3 accepts most."""
    return texts(1024, least=1)


def messages() -> SearchStrategy[str]:
    """Return bodies of messages: any JSON, what is hardly JSON, and announcements of objects with malicious keys."""
    deep = st.sampled_from(["[", '{"a":', '{"Records":[', '{"Message":"']).map(lambda opening: opening * 20_000)
    announced = st.fixed_dictionaries(
        {"schema": st.just(1), "bucket": st.sampled_from(["logs", "a..b", "x" * 255]), "key": keys()},
        optional={"etag": texts(128), "versionId": texts(1024), "sequencer": texts(64), "size": st.integers(-1, 2**64)},
    )
    record = st.builds(
        lambda key, etag: {
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "logs"}, "object": {"key": quote_plus(key), "eTag": etag}},
        },
        keys(),
        texts(40),
    )
    records = st.lists(st.one_of(record, st.none(), st.integers(), texts(20)), max_size=3).map(lambda r: {"Records": r})
    plain = st.one_of(announced, records).map(json.dumps)
    wrapped = st.recursive(
        plain, lambda inner: inner.map(lambda text: json.dumps({"Type": "Notification", "Message": text})), max_leaves=4
    )
    return st.one_of(plain, wrapped, documents(), texts(5000, least=1), deep)
