"""Webhooks reach what they may and nothing else, in bounded time, and say nothing of why not."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import repeat
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webhooks import Hook, Names, answering

from logscan_scanner.errors import ScanError
from logscan_scanner.reporting import webhooks
from logscan_scanner.reporting.webhooks import Bounds, NotSentError

LOOPBACK = ["127.0.0.0/8"]
NAME = "kubernetes.default.svc"  # what the certificate is for
FORBIDDEN = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
FORBIDDEN_6 = ["::/96", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2002::/16", "2001::/32", "100::/64"]


def outcome(url: str, internal: list[str] | None = None, hosts: list[str] | None = None) -> str:
    """Return what a user sees of a webhook."""
    try:
        webhooks.post(url, "{}", Bounds(internal or [], hosts))
    except ScanError as error:
        return str(error)
    return "sent"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "SECONDS", 1.0)


def test_an_allowed_network_or_host_is_reached_by_http(hook: Hook, names: Names) -> None:
    names.answers["hook.internal"] = [["127.0.0.1"]]
    assert outcome(hook.url, LOOPBACK) == "sent"
    assert outcome(f"http://Hook.internal:{hook.port}/x?y=z".replace("Hook", "hook"), ["hook.internal"]) == "sent"
    assert len(hook.posted) == 2
    assert hook.hosts[1] == f"hook.internal:{hook.port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_this_machine_is_refused_however_it_is_written(hook: Hook, host: str, scheme: str) -> None:
    assert outcome(f"{scheme}://{host}:{hook.port}/", ["10.0.0.0/8", "other.internal"]) == "refused"
    assert not hook.posted


@given(st.sampled_from(FORBIDDEN), st.integers(0, 2**32))
def test_no_address_that_is_not_global_is_reached(network: str, number: int) -> None:
    base = ip_network(network)
    address = IPv4Address(int(base.network_address) + number % base.num_addresses)
    mapped, translated = f"[::ffff:{address}]", f"[64:ff9b::{address}]"
    for host in (str(address), str(int(address)), mapped, translated):
        assert outcome(f"https://{host}:1/") == "refused"


@given(st.sampled_from(FORBIDDEN_6), st.integers(0, 2**128))
def test_no_ipv6_address_that_is_not_global_is_reached(network: str, number: int) -> None:
    base = ip_network(network)
    address = IPv6Address(int(base.network_address) + number % base.num_addresses)
    assert outcome(f"https://[{address}]:1/") == "refused"


def test_a_name_that_leads_inside_is_refused(hook: Hook, names: Names) -> None:
    names.answers["evil.example"] = [["127.0.0.1"], ["10.0.0.1", "fd00::1"]]
    for _ in range(2):
        assert outcome(f"https://evil.example:{hook.port}/") == "refused"
    assert not hook.posted


def test_a_name_is_resolved_once_and_its_address_is_used(tls_hook: Hook, names: Names) -> None:
    names.answers[NAME] = [["127.0.0.1"], ["127.0.0.2"]]
    assert outcome(f"https://{NAME}:{tls_hook.port}/", LOOPBACK) == "sent"
    assert names.answers[NAME] == [["127.0.0.2"]]
    assert tls_hook.names == [NAME]
    assert tls_hook.hosts == [f"{NAME}:{tls_hook.port}"]


def test_of_several_addresses_only_allowed_ones_are_used(tls_hook: Hook, names: Names) -> None:
    names.answers[NAME] = [["10.0.0.1", "::1", "127.0.0.1"]]
    assert outcome(f"https://{NAME}:{tls_hook.port}/", LOOPBACK) == "sent"


def test_a_certificate_for_another_name_is_not_trusted(tls_hook: Hook, names: Names) -> None:
    names.answers["hook.example"] = [["127.0.0.1"]]
    assert outcome(f"https://hook.example:{tls_hook.port}/", LOOPBACK) == "failed"
    assert not tls_hook.posted


def test_a_public_address_is_not_reached_by_http(names: Names) -> None:
    names.answers["hook.example"] = [["93.184.216.34"]]
    assert outcome("http://hook.example/", LOOPBACK) == "refused"


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pw@127.0.0.1:{}/",
        "http://example.com@127.0.0.1:{}/",
        "http://127.0.0.1:{}\\@example.com/",
        "http://127.0.0.1%2f:{}/",
        "http://127.0.0.1:{}0000/",
        "http:///{}",
        "http://[127.0.0.1:{}/",
        "http://127.0.0.1:{}/\r\nX-Injected: 1",
        "http://127.0.0.1:{}/ with space",
        "http://127.0.0.1:{}/größe",
        "ftp://127.0.0.1:{}/",
        "127.0.0.1:{}/",
    ],
)
def test_a_url_that_could_mean_two_things_is_refused(hook: Hook, url: str) -> None:
    assert outcome(url.format(hook.port), LOOPBACK) == "refused"
    assert not hook.posted


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (["127.0.0.1"], "sent"),
        (["*.0.0.1"], "sent"),
        (["hooks.example.com", "127.0.0.1"], "sent"),
        ([], "refused"),
        ([""], "refused"),
        (["127.0.0"], "refused"),
        (["*.example.com"], "refused"),
    ],
)
def test_a_tenants_scans_post_to_the_hosts_that_are_named(hook: Hook, hosts: list[str], said: str) -> None:
    assert outcome(hook.url, LOOPBACK, hosts) == said


@pytest.mark.parametrize(("status", "again"), [(400, False), (404, False), (307, False), (429, True), (503, True)])
def test_what_may_be_taken_later_is_told_from_what_never_is(hook: Hook, status: int, again: bool) -> None:
    hook.status = status
    with pytest.raises(NotSentError) as raised:
        webhooks.post(hook.url, "{}", Bounds(LOOPBACK))
    assert raised.value.again == again


def test_a_large_document_arrives_whole_under_tls(tls_hook: Hook, names: Names) -> None:
    names.answers[NAME] = [["127.0.0.1"]]
    webhooks.post(f"https://{NAME}:{tls_hook.port}/", json.dumps({"x": "y" * 200_000}), Bounds(LOOPBACK))
    assert len(tls_hook.posted[0]["x"]) == 200_000


def test_a_redirect_is_a_failure_and_not_followed(hook: Hook) -> None:
    hook.status, hook.location = 307, f"{hook.url}/elsewhere"
    assert outcome(hook.url, LOOPBACK) == "failed"
    assert len(hook.posted) == 1


def test_all_failures_look_alike(hook: Hook) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = unused.getsockname()[1]
    hook.status = 403
    seen = {outcome(url, LOOPBACK) for url in (hook.url, f"http://127.0.0.1:{closed}/", "http://no-such-host.invalid/")}
    assert seen == {"failed"}


def drip() -> Iterator[bytes]:
    """Yield a status line that never ends."""
    yield b"HTTP/1.1 200 "
    yield from repeat(b"x")


def headers() -> Iterator[bytes]:
    """Yield headers that never end, after an answer that is good enough."""
    yield b"HTTP/1.1 204 No Content\r\n"
    yield from repeat(b"X: y\r\n")


def flood() -> Iterator[bytes]:
    """Yield a status line without an end as fast as it is read."""
    yield from repeat(b"HTTP/1.1 200 " + b"x" * 65536)


def test_a_server_that_drips_does_not_hold_the_scan() -> None:
    with answering(drip) as url:
        assert outcome(url, LOOPBACK) in ("sent", "failed")
    with answering(lambda: repeat(b"x")) as url:
        assert outcome(url, LOOPBACK) == "failed"
    with answering(lambda: iter([b"HTTP/1.1 2"])) as url:
        assert outcome(url, LOOPBACK) == "failed"


def test_only_the_beginning_of_an_answer_is_read() -> None:
    with answering(headers) as url:
        assert outcome(url, LOOPBACK) == "sent"
    with answering(flood, pause=0) as url:
        assert outcome(url, LOOPBACK) == "sent"


def test_a_server_that_is_silent_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"127.0.0.1:{silent.getsockname()[1]}/"
        assert outcome(f"http://{url}", LOOPBACK) == "failed"
        assert outcome(f"https://{url}", LOOPBACK) == "failed"


def test_a_resolver_that_is_silent_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait() or [])
    assert outcome("https://hook.example/") == "failed"
    answered.set()


@pytest.mark.parametrize(
    ("status", "field", "least", "most"),
    [
        (429, "7", 7, 7),
        (503, " 0120 ", 120, 120),
        (503, format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 3000, 3600),
        (503, format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0, 0),
        (429, "-3", 0, 0),
        (429, "soon", 0, 0),
        (429, "9" * 400, 0, float("inf")),
        (429, None, 0, 0),
        (400, "7", 0, 0),
    ],
)
def test_a_receiver_may_ask_for_a_pause(hook: Hook, status: int, field: str | None, least: float, most: float) -> None:
    hook.status, hook.retry_after = status, field
    with pytest.raises(NotSentError) as error:
        webhooks.post(hook.url, "{}", Bounds(LOOPBACK))
    assert (least <= error.value.after <= most, error.value.again) == (True, status != 400)


def test_an_answer_that_breaks_off_after_its_first_line_is_understood() -> None:
    with answering(lambda: iter([b"HTTP/1.1 503 x\r\nretry-af"])) as url, pytest.raises(NotSentError) as error:
        webhooks.post(url, "{}", Bounds(LOOPBACK))
    assert (error.value.again, error.value.after) == (True, 0)
