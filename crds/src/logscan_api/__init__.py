"""The contracts of logscan that every other package agrees on.

Nothing in here talks to a network. The custom resources (`logscans`, `policies`, `rulesets`) are pydantic models from
which the CRD YAML is generated (`crds`); the message (`events`), the Job's input (`requests`), its output
(`results`) and its exit codes (`exitcodes`) are the other shapes that cross a process boundary.

Errors: all are a `ContractError`.
"""

from logscan_api.errors import (
    ContractError,
    MalformedMessageError,
    MalformedRequestError,
    MalformedResultError,
    RequestTooLargeError,
    UnknownPackError,
)

__version__ = "0.1.0"
GROUP = "logscan.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

__all__ = [
    "API_VERSION",
    "GROUP",
    "VERSION",
    "ContractError",
    "MalformedMessageError",
    "MalformedRequestError",
    "MalformedResultError",
    "RequestTooLargeError",
    "UnknownPackError",
    "__version__",
]
