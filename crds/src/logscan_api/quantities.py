"""Amounts of a resource, as Kubernetes writes them."""

from typing import Annotated

from pydantic import Field

Quantity = Annotated[str, Field(max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
