"""Networks and hosts that webhooks may go to beyond the public internet."""

import pytest

from logscan_api.destinations import destinations


def test_networks_addresses_and_hosts() -> None:
    text = " 10.0.0.0/8, 127.0.0.1,fd00::/8 ,, Alerts.Monitoring.svc. , localhost"
    assert destinations(text) == ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8", "alerts.monitoring.svc", "localhost"]
    assert destinations("") == []


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "10.0.0.0/33", "a b", "*.example.com", "10.1", "http://a", "a:80", "-a"]
)
def test_what_is_neither_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="neither a network such as"):
        destinations(f"localhost,{text}")
