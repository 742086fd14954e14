"""Webhooks: a document posted once, to an address that was checked.

Who writes a LogScan chooses the URL, but it is a pod inside the cluster that connects. So that nobody reaches or probes
with it what only the cluster can reach, a webhook is https at a public address, unless the operator's settings allow
a network or a host; the host is resolved once and the connection made to the address that was checked; redirects are
not followed; and whoever reads the row sees no more than "refused" or "failed". Where the URL comes from a Secret,
nobody has checked its host before, so the hosts that a tenant's scans may post to are held to here as well.
"""

import http.client
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Thread
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit

from logscan_scanner.errors import ScanError

SECONDS = 10.0  # for everything: resolving, connecting, sending, the answer
SENT_BYTES = 4096  # at a time
ANSWER_BYTES = 1024  # its first line is all that is needed,
HEAD_BYTES = 8192  # but of an answer that may ask for a pause
REFUSED, FAILED = "refused", "failed"
AGAIN = frozenset({408, 425, 429})  # and all of 5xx: the same request may be answered differently later

Address = tuple[socket.AddressFamily, Any]
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_REST = re.compile(r"[!-~]*")  # of a URL: percent-encoded
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)[ \r\n]")
_RETRY_AFTER = re.compile(rb"^retry-after:[ \t]*([ -~]+?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_GLOBAL_UNICAST = ip_network("2000::/3")  # all that is assigned for it (RFC 4291, 2.4)
_NAT64 = ip_network("64:ff9b::/96")  # an IPv4 address, for hosts without IPv4 (RFC 6052)
_SIX_TO_FOUR = ip_network("2002::/16")  # deprecated (RFC 7526), and leads to an IPv4 address


@dataclass(frozen=True)
class Target:
    """What a URL names."""

    tls: bool
    host: str
    port: int
    netloc: str
    path: str


class NotSentError(ScanError):
    """A message was not taken: `refused` by us, or `failed`, without an answer of 2xx in time.

    Attributes:
        again: Whether the same message may be taken later.
        after: Seconds before which the receiver does not take it.
    """

    def __init__(self, message: str, again: bool = False, after: float = 0) -> None:
        """Set what went wrong; it never has the URL, which may hold a secret."""
        super().__init__(message)
        self.again = again
        self.after = after


@dataclass(frozen=True)
class Bounds:
    """Where a post may go.

    Attributes:
        internal: Networks and hosts beyond the public internet that it may go to, also by http.
        hosts: The only hosts that it may name, `*` at the start of one for any beginning; None means all.
    """

    internal: Sequence[str] = ()
    hosts: Sequence[str] | None = None

    def names(self, host: str) -> bool:
        """Return whether a host may be named."""
        plain = host.lower()
        return self.hosts is None or any(
            plain.endswith(glob[1:]) if glob.startswith("*") else plain == glob for glob in self.hosts
        )


def post(url: str, body: str, bounds: Bounds, headers: Mapping[str, str] | None = None) -> None:
    """Send JSON to a URL.

    Args:
        url: The URL.
        body: The JSON.
        bounds: Where it may go.
        headers: What else the request says.

    Raises:
        NotSentError: It was not sent, or not answered by 2xx.
    """
    deadline = monotonic() + SECONDS
    target = _parse(url)
    if not bounds.names(target.host):
        raise NotSentError(REFUSED)
    try:
        addresses = [found for found in _resolve(target, deadline) if _may_reach(target, found, bounds.internal)]
        if not addresses:
            raise NotSentError(REFUSED)
        with closing(_connect(target, addresses, deadline)) as connection:
            status, after = _exchange(connection, target, body.encode(), headers or {}, deadline)
    except UnicodeError as error:
        raise NotSentError(FAILED) from error
    except (OSError, http.client.HTTPException) as error:
        raise NotSentError(FAILED, again=True) from error
    if not 200 <= status < 300:
        raise NotSentError(FAILED, again=_again(status), after=after)


def _again(status: int) -> bool:
    return status in AGAIN or status >= 500


def _parse(url: str) -> Target:
    try:
        parts = urlsplit(url)
        host, port, tls = parts.hostname or "", parts.port, parts.scheme == "https"
    except ValueError as error:
        raise NotSentError(REFUSED) from error
    # A user before the host makes one host look like another, and its password would be in the clear everywhere.
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _HOST.fullmatch(host) or port == 0:
        raise NotSentError(REFUSED)
    if not _REST.fullmatch(f"{parts.path}{parts.query}"):
        raise NotSentError(REFUSED)
    query = f"?{parts.query}" if parts.query else ""
    return Target(tls, host, port or (443 if tls else 80), parts.netloc, f"{parts.path or '/'}{query}")


def _resolve(target: Target, deadline: float) -> list[Address]:
    """Return the addresses of a host. The resolver has no time limit of its own that could be set."""
    answer: Future[list[Address]] = Future()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            answer.set_result([(family, address) for family, _, _, _, address in found])
        except Exception as error:
            answer.set_exception(error)

    Thread(target=look_up, name="resolve", daemon=True).start()
    return answer.result(_left(deadline))


def _may_reach(target: Target, found: Address, internal: Sequence[str]) -> bool:
    address = _plain(ip_address(found[1][0]))
    if target.host.lower().rstrip(".") in internal:
        return True
    networks = [ip_network(entry) for entry in internal if "/" in entry]
    return any(address in network for network in networks) or (target.tls and _public(address))


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address within an IPv6 address that leads to it, or the address."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address in _SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast


def _connect(target: Target, addresses: list[Address], deadline: float) -> socket.socket:
    """Return a connection to the first address that answers, each having its share of the time."""
    failure: OSError = OSError()
    for number, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(_left(deadline) / (len(addresses) - number))
            connection.connect(address)
            if not target.tls:
                return connection
            connection.settimeout(_left(deadline))
            return ssl.create_default_context().wrap_socket(connection, server_hostname=target.host)
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def _exchange(
    connection: socket.socket, target: Target, body: bytes, headers: Mapping[str, str], deadline: float
) -> tuple[int, float]:
    """Send the request and return the status of the answer, and for how many seconds it asks to wait."""
    request = _request(target, body, headers)
    while request:  # a limit of time for each call of a few bytes; sendall has one for each of many calls under TLS
        connection.settimeout(_left(deadline))
        request = request[connection.send(request[:SENT_BYTES]) :]
    answer = _received(connection, b"", b"\n", ANSWER_BYTES, deadline)
    found = _STATUS.match(answer)
    if found is None:
        raise http.client.BadStatusLine("")
    status = int(found[1])
    if not _again(status):
        return status, 0
    try:
        return status, _asked(_received(connection, answer, b"\r\n\r\n", HEAD_BYTES, deadline))
    except OSError:  # the status is known, and that is enough
        return status, 0


def _received(connection: socket.socket, answer: bytes, end: bytes, most: int, deadline: float) -> bytes:
    """Return an answer of which a part is known, up to what ends it or a number of bytes."""
    while end not in answer and len(answer) < most:
        connection.settimeout(_left(deadline))
        data = connection.recv(most - len(answer))
        if not data:
            break
        answer += data
    return answer


def _asked(head: bytes) -> float:
    """Return the seconds in the field Retry-After, a number or a date (RFC 9110, 10.2.3); 0 without one."""
    found = _RETRY_AFTER.search(head.partition(b"\r\n\r\n")[0])
    if found is None:
        return 0
    text = found[1].decode()
    if text.isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time(), 0)
    except (ValueError, OverflowError):
        return 0


class _Written(http.client.HTTPConnection):
    """A request as bytes, written by the library, which refuses what would be two requests."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port)
        self.data = b""

    def send(self, data: bytes) -> None:  # type: ignore[override] # all that it is given here
        self.data += data


def _request(target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    written = _Written(target)
    ours = {"Host": target.netloc, "Content-Type": "application/json", "User-Agent": "logscan", "Connection": "close"}
    written.request("POST", target.path, body, {**headers, **ours})
    return written.data


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
