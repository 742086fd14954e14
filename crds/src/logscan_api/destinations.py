"""Where webhooks may go beyond the public internet: an operator's setting that each scan request carries."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

DESTINATION_BYTES = 1000  # of all together: they are part of every scan request
_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*\.?")


def _checked(text: str) -> str:
    """Return a network, or a host name in lower case.

    Raises:
        ValueError: It is neither.
    """
    try:
        return str(ip_network(text))
    except ValueError as error:
        host = text.lower()
        if "/" in text or not _HOST.fullmatch(host) or host.rstrip(".").rpartition(".")[2].isdecimal():
            raise ValueError(f"{text!r} is neither a network such as 10.0.0.0/8 nor a host name: {error}") from None
        return host.rstrip(".")


Destination = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_checked)]


def destinations(text: str) -> list[str]:
    """Return the networks and host names of a list that is separated by commas.

    Raises:
        ValueError: One of them is neither.
    """
    return [_checked(part.strip()) for part in text.split(",") if part.strip()]
