"""What probes make of a container on the embedded node."""

from logscan_local.stack.node import probes


def test_a_probe_turns_after_its_threshold() -> None:
    probe = probes.Probe.of({"failureThreshold": 2, "periodSeconds": 5, "initialDelaySeconds": 3}, {}, 100.0, True)
    assert probe.next_at == 103
    for success, healthy in ((False, True), (True, True), (False, True), (False, False), (True, True)):
        probe.count(success, 103.0)
        assert probe.healthy is healthy
    assert probe.next_at == 108


def test_liveness_and_readiness_wait_for_the_startup_probe() -> None:
    spec = {"startupProbe": {"failureThreshold": 2}, "livenessProbe": {}, "readinessProbe": {}}
    health = probes.Health.of(spec, 0.0)
    assert health.due(0.0) == [health.startup]
    assert (health.started, health.ready, health.doomed) == (False, False, None)
    health.count(health.due(0.0)[0], False, 0.0)
    assert health.due(9.0) == []
    health.count(health.due(10.0)[0], True, 10.0)
    assert (health.started, health.ready, health.doomed) == (True, False, None)
    liveness, readiness = health.due(10.0)
    health.count(readiness, True, 10.0)
    assert health.ready
    for clock in (10.0, 20.0, 30.0):
        health.count(liveness, False, clock)
    assert health.doomed == "liveness"


def test_a_container_whose_startup_probe_fails_is_doomed() -> None:
    health = probes.Health.of({"startupProbe": {"failureThreshold": 2}}, 0.0)
    for clock in (0.0, 10.0):
        health.count(health.due(clock)[0], False, clock)
    assert health.doomed == "startup"
    assert not health.ready


def test_without_probes_a_container_is_ready_at_once() -> None:
    health = probes.Health.of({}, 0.0)
    assert (health.started, health.ready, health.doomed, health.due(0.0)) == (True, True, None, [])


def test_a_probe_finds_a_named_port() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}]}
    probe = probes.Probe.of({"httpGet": {"path": "/healthz", "port": "http"}}, container, 0, False)
    assert probe.url() == "http://127.0.0.1:8080/healthz"
    assert probes.Probe.of({"exec": {}}, {}, 0, False).url() is None
