"""Types of the fields of statuses, each with a bound."""

from typing import Annotated

from pydantic import Field

from logscan_api.models import MOST

# Open sets: a newer operator may write words that this CRD, or an older operator that reads them, does not know.
ReasonWord = Annotated[str, Field(max_length=64)]
SeverityWord = Annotated[str, Field(max_length=16)]
Name = Annotated[str, Field(max_length=253)]  # of any object of Kubernetes
Time = Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})]
Count = Annotated[int, Field(ge=0, le=MOST)]
KeyText = Annotated[str, Field(max_length=2048)]  # of DynamoDB, and of what holds a key of S3
Generation = Annotated[int, Field(ge=-1, le=MOST)]  # -1 is what no generation is
