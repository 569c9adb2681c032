"""API shapes of sending domains."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

DomainState = Literal["unverified", "verified", "failing"]
CheckCode = Literal["dkim_rsa", "dkim_ed25519", "spf", "dmarc"]


class DomainInput(BaseModel):
    """A domain that mail is to come from."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"domain": "mail.example.com"}]}
    )

    domain: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=253)]


class DomainCheck(BaseModel):
    """One thing that DNS was asked; ``name`` is where, ``found`` what stands there."""

    code: CheckCode
    state: Literal["ok", "missing", "wrong", "unknown"]
    name: str
    problem: str | None
    found: list[str]


class DomainRecord(BaseModel):
    """A TXT record to publish; ``key_state`` says of a key whether it signs already."""

    purpose: CheckCode
    name: str
    value: str
    optional: bool
    key_state: Literal["pending", "active", "retiring"] | None


class SendingDomain(BaseModel):
    """A domain, the records to publish under it, and what was found at the last look."""

    id: str
    domain: str
    state: DomainState
    checks: list[DomainCheck]
    records: list[DomainRecord]
    dmarc_policy: Literal["none", "quarantine", "reject"] | None
    rotating: bool
    checked_at: datetime | None
    verified_at: datetime | None
    created_at: datetime
