"""API shapes of store credit."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from storecast.kit.money import Money


class NewStoreCredit(BaseModel):
    """What a customer is to be given; without ``currency`` in the shop's own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"amount_minor": 1000, "reason": "Sorry for the late parcel"}]},
    )

    amount_minor: Annotated[int, Field(gt=0, le=100_000_000)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$"),
    ]
    expires_at: AwareDatetime | None = None
    notify: bool = False


class StoreCredit(BaseModel):
    """A credit to a customer. ``sent`` and ``unknown`` end by themselves: what became of it is looked up at Shopify."""

    id: str
    amount: Money
    reason: str | None
    expires_at: datetime | None
    state: Literal["planned", "sent", "unknown", "done", "refused"]
    error: str | None
    created_by: str
    created_at: datetime
    settled_at: datetime | None


class StoreCreditAccount(BaseModel):
    """A customer's account in one currency.

    ``balance`` is Shopify's, after what the customer spent and what others gave; null without an account there.
    ``given`` and ``on_its_way`` are this ledger's: what arrived through Storecast, and what has not ended yet.
    """

    balance: Money | None
    given: Money
    on_its_way: Money


class StoreCreditBalance(BaseModel):
    """What a customer has, by currency, as Shopify said at ``read_at``."""

    accounts: list[StoreCreditAccount]
    read_at: datetime
