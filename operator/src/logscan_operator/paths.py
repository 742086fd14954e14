"""Paths of the API server's resources that the operator uses."""

from logscan_api import API_VERSION


def scans(namespace: str, name: str = "", subresource: str = "") -> str:
    """Return the path of LogScans, of one, or of its subresource."""
    return _join(f"/apis/{API_VERSION}/namespaces/{namespace}/logscans", name, subresource)


def policies(namespace: str) -> str:
    """Return the path of LogScanPolicies."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/logscanpolicies"


def rule_sets(namespace: str) -> str:
    """Return the path of LogScanRuleSets."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/logscanrulesets"


def jobs(namespace: str, name: str = "") -> str:
    """Return the path of Jobs, or of one."""
    return _join(f"/apis/batch/v1/namespaces/{namespace}/jobs", name)


def pods(namespace: str) -> str:
    """Return the path of pods."""
    return f"/api/v1/namespaces/{namespace}/pods"


def events(namespace: str, name: str = "") -> str:
    """Return the path of Events, or of one."""
    return _join(f"/api/v1/namespaces/{namespace}/events", name)


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
