"""API shapes of privacy requests."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["data_request", "customer_redact", "shop_redact"]


class Archive(BaseModel):
    """The encrypted archive of a data request; its passphrase is shown once."""

    bytes: int
    until: datetime
    passphrase_waits: bool


class TableProof(BaseModel):
    """How many rows of one table spoke of the person (or belonged to the shop) before and after."""

    table: str
    before: int
    after: int


class PrivacyRequestRow(BaseModel):
    """A request that Shopify passed on or the merchant made, and by when it has to be done."""

    id: int
    kind: Kind
    state: Literal["received", "done"]
    asked_by: Literal["shopify", "merchant"]
    received_at: datetime
    due_at: datetime
    done_at: datetime | None
    urgency: Literal["none", "soon", "overdue"]
    # Why nothing was done: the shop is installed again.
    refused: str | None
    archive: Archive | None
    can_rerun: bool


class PrivacyRequestDetail(PrivacyRequestRow):
    """With the proof: counts per table, never contents."""

    proof: list[TableProof]


class NewPrivacyRequest(BaseModel):
    """Whom it is about, by at least one of Shopify id, e-mail address and phone number."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "data_request", "email": "ada@example.com"}]}
    )

    kind: Literal["data_request", "customer_redact"]
    customer_id: Annotated[int, Field(gt=0, lt=2**63)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None


class ArchivePassphrase(BaseModel):
    """What opens the archive. It is not shown again."""

    passphrase: str


class ArchiveLink(BaseModel):
    """Where the archive is downloaded, by whoever is signed in and may manage the shop, until then."""

    path: str
    expires_at: datetime


class Retention(BaseModel):
    """How long a kind of data is kept; null: as long as the shop uses the app."""

    table: str
    days: int | None
    by: Literal["partition", "job", "erasure"]


class Access(BaseModel):
    """Somebody was shown data of people."""

    id: str
    at: datetime
    actor: str
    view: str
    subject: str
    people: int
