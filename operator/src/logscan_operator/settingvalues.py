"""How the values of settings are read from text: lists, JSON, and keys in files."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic.alias_generators import to_camel
from pydantic_settings import NoDecode

from logscan_api.destinations import destinations
from logscan_api.jobtemplates import JobTemplate

KEY_BYTES = 32  # as many as the digest has; a shorter key is a weaker one (RFC 2104, section 3)


def parsed_json(value: Any) -> Any:
    """Return what a text holds as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"must be JSON (line {error.lineno}, column {error.colno})") from None


def split(value: Any) -> Any:
    """Return the parts of a text that commas separate."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def joined_destinations(value: str) -> str:
    """Return hosts or networks for webhooks, separated by commas and without spaces."""
    return ",".join(destinations(value))


def job_fields(value: str) -> str:
    """Return names of fields of a Job template, separated by commas."""
    known = [to_camel(name) for name in JobTemplate.model_fields]
    unknown = [name for name in split(value) if name not in known]
    if unknown:
        raise ValueError(f"must be of {', '.join(known)}; not {', '.join(unknown)}")
    return value


def keys_in_folder(value: Any) -> Any:
    """Return the keys in a folder: the file `current`, and `previous` if it is there."""
    if not isinstance(value, str):
        return value
    found: list[bytes] = []
    for name in ("current", "previous"):
        try:
            key = Path(value, name).read_bytes().strip()
        except FileNotFoundError:
            key = b""
        except OSError as error:
            raise ValueError(f"must be a folder with readable files ({name}: {error.strerror})") from None
        if len(key) >= KEY_BYTES:
            found.append(key)
        elif key or name == "current":
            raise ValueError(f"must be a folder whose file `{name}` has at least {KEY_BYTES} bytes")
    return found


Names = Annotated[list[str], NoDecode, BeforeValidator(split)]
