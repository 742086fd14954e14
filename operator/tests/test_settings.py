"""Settings: every bad variable is named before anything starts."""

from pathlib import Path

import pytest

from logscan_operator import settings, settings_table

KEY = "k" * 32
REQUIRED = {
    "LOGSCAN_NAMESPACE": "logscan",
    "LOGSCAN_QUEUE_URLS": "https://q",
    "LOGSCAN_TABLE": "results",
    "LOGSCAN_SCANNER_IMAGE": "scanner:1",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "current").write_text(f"{KEY}\n")
    monkeypatch.setenv("LOGSCAN_SIGNING_KEYS", str(tmp_path))
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


def test_defaults() -> None:
    loaded = settings.load()
    assert (loaded.namespace, loaded.max_concurrent, loaded.receive_wait_seconds) == ("logscan", 10, 20)


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_MAX_CONCURRENT", "3")
    assert settings.load().max_concurrent == 3


@pytest.mark.parametrize(
    ("text", "parts"), [("a", ["a"]), (" a , b,", ["a", "b"]), ("", []), (" ", []), (",", []), ("a,a", ["a", "a"])]
)
@pytest.mark.parametrize("setting", ["watch_namespaces", "default_policy_packs"])
def test_lists_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, setting: str, text: str, parts: list[str]
) -> None:
    monkeypatch.setenv(f"LOGSCAN_{setting.upper()}", text)
    assert getattr(settings.load(), setting) == parts


def test_each_namespace_is_watched_once_and_the_own_one_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_WATCH_NAMESPACES", "b,a,logscan,b")
    assert settings.load().namespaces == ["logscan", "b", "a"]


def test_several_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_QUEUE_URLS", "https://q/1, https://q/2")
    assert settings.load().queue_urls == ["https://q/1", "https://q/2"]


def test_the_job_template_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_SCANNER_JOB", '{"nodeSelector": {"pool": "scans"}}')
    assert settings.load().scanner_job.node_selector == {"pool": "scans"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LOGSCAN_QUEUE_URLS", None, "LOGSCAN_QUEUE_URLS: is required (URLs of the SQS queues"),
        ("LOGSCAN_QUEUE_URLS", ",", "LOGSCAN_QUEUE_URLS: must have at least 1 item"),
        ("LOGSCAN_SCANNER_READ_SECONDS", "abc", "LOGSCAN_SCANNER_READ_SECONDS: must be a number"),
        ("LOGSCAN_SCANNER_READ_SECONDS", "0", "LOGSCAN_SCANNER_READ_SECONDS: must be at least 1"),
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


@pytest.mark.parametrize(
    ("setting", "row"),
    [
        ("queue_urls", "required | list, separated by commas"),
        ("watch_namespaces", "none | list, separated by commas"),
        ("scanner_job", "none | JSON, as `job` of a LogScan"),
        ("scanner_memory_limit", "`256Mi` | quantity, as in a pod"),
        ("max_concurrent", "`10` | whole number, 1 to 10000"),
        ("scanner_read_seconds", "`30` | number, 1 to 3600"),
        ("max_unfinished", "`1000` | whole number from 1"),
        ("supersede", "`true` | `true`, `false`"),
        ("log_level", "`INFO` | `DEBUG`, `INFO`, `WARNING`, `ERROR`"),
        ("reports_bucket", "none | text"),
    ],
)
def test_the_table_says_what_is_allowed(setting: str, row: str) -> None:
    assert f"| `LOGSCAN_{setting.upper()}` | {row} | " in settings_table.render()


def test_every_setting_is_described() -> None:
    assert not [name for name, field in settings.Settings.model_fields.items() if not field.description]


def test_signing_keys_are_read_from_a_folder_the_current_one_first(tmp_path: Path) -> None:
    assert settings.load().row_keys == [KEY.encode()]
    (tmp_path / "previous").write_text("p" * 40)
    assert settings.load().row_keys == [KEY.encode(), b"p" * 40]
    assert KEY not in repr(settings.load())


@pytest.mark.parametrize(("current", "previous"), [(None, "p" * 32), ("short", None), ("", None), ("k" * 32, "short")])
def test_no_operator_starts_without_a_strong_signing_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], current: str | None, previous: str | None
) -> None:
    for name, key in (("current", current), ("previous", previous)):
        (tmp_path / name).unlink(missing_ok=True)
        if key is not None:
            (tmp_path / name).write_text(key)
    with pytest.raises(SystemExit):
        settings.load()
    assert "LOGSCAN_SIGNING_KEYS: must be a folder whose file `" in capsys.readouterr().err
