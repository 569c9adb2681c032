"""API shapes of suppressions."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SuppressionReason = Literal["unsubscribed", "hard_bounce", "soft_bounces", "complaint", "manual"]


class NewSuppression(BaseModel):
    """An address that is never to be written to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "zoe@example.com"}]})

    email: Annotated[str, Field(min_length=3, max_length=320)]


class SuppressionRow(BaseModel):
    """One address by its digest: why it is not written to, who said so, and since when."""

    id: str
    reason: SuppressionReason
    source: str
    created_at: datetime
