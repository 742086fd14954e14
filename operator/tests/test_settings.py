"""Settings: every bad variable is named before anything starts."""

import pytest

from logscan_operator import settings

REQUIRED = {
    "LOGSCAN_NAMESPACE": "logscan",
    "LOGSCAN_QUEUE_URL": "https://q",
    "LOGSCAN_TABLE": "results",
    "LOGSCAN_SCANNER_IMAGE": "scanner:1",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


def test_defaults() -> None:
    loaded = settings.load()
    assert (loaded.namespace, loaded.max_concurrent, loaded.receive_wait_seconds) == ("logscan", 10, 20)


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_MAX_CONCURRENT", "3")
    assert settings.load().max_concurrent == 3


def test_the_job_template_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_SCANNER_JOB", '{"nodeSelector": {"pool": "scans"}}')
    assert settings.load().scanner_job.node_selector == {"pool": "scans"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LOGSCAN_QUEUE_URL", None, "LOGSCAN_QUEUE_URL: is required (URLs of the SQS queues"),
        ("LOGSCAN_MAX_CONCURRENT", "0", 'LOGSCAN_MAX_CONCURRENT: must be at least 1, got "0"'),
        ("LOGSCAN_MAX_CONCURRENT", "many", 'LOGSCAN_MAX_CONCURRENT: must be a whole number, got "many"'),
        ("LOGSCAN_SCANNER_MEMORY_MOST", "lots", "LOGSCAN_SCANNER_MEMORY_MOST: must be a quantity"),
        ("LOGSCAN_SCANNER_CPU_REQUEST", "-1", "LOGSCAN_SCANNER_CPU_REQUEST: must be a quantity"),
        ("LOGSCAN_LOG_LEVEL", "LOUD", "LOGSCAN_LOG_LEVEL: must match"),
        ("LOGSCAN_WEBHOOK_INTERNAL", "10.0.0.1/8", "'10.0.0.1/8' is neither a network such as"),
        ("LOGSCAN_SCANNER_JOB", "{", "LOGSCAN_SCANNER_JOB: must be JSON (line 1, column 2)"),
        ("LOGSCAN_SCANNER_JOB", '{"nodeSelectr": {}}', "LOGSCAN_SCANNER_JOB.nodeSelectr: unknown field"),
    ],
)
def test_a_bad_setting_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str | None, words: str
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        settings.load()
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert words in message
    assert not [word for word in ("pydantic", "type=", "input_value") if word in message]


def test_every_setting_is_described() -> None:
    assert not [name for name, field in settings.Settings.model_fields.items() if not field.description]
