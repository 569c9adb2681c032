"""API shapes of privacy requests."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

Kind = Literal["data_request", "customer_redact", "shop_redact"]


class PrivacyRequestRow(BaseModel):
    """A request that Shopify passed on, and by when it has to be done."""

    id: int
    kind: Kind
    state: Literal["received", "done"]
    received_at: datetime
    due_at: datetime
    done_at: datetime | None


class PrivacyRequestDetail(PrivacyRequestRow):
    """With the result: the export of a data request, or what an erasure removed."""

    result: dict[str, Any] | None
