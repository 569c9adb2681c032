"""API shapes of sessions, members and API keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from storecast.shops.access import Door, Permission, Role

ShopState = Literal["installed", "frozen", "closed", "uninstalled"]


class SessionShop(BaseModel):
    """The shop that the session works in."""

    domain: str
    name: str
    currency: str
    timezone: str
    access: Literal["usable", "lost"]
    """`lost`: Shopify no longer takes our access to the shop, and somebody has to open the app or sign in again."""
    state: ShopState
    """`frozen` and `closed`: Shopify does not serve the store for now, and work for it waits."""


class SessionUser(BaseModel):
    """Who is asking: a person, or a program by its API key, which has no role."""

    id: str
    name: str
    email: str | None
    role: Role | None


class Session(BaseModel):
    """Who is signed in where, and what they may do."""

    shop: SessionShop
    user: SessionUser
    door: Door
    permissions: list[str]


class OwnShop(BaseModel):
    """A store that the person works in."""

    domain: str
    name: str
    role: Role
    state: ShopState
    current: bool


class SessionShops(BaseModel):
    """The stores of one person."""

    items: list[OwnShop]


class ShopChoice(BaseModel):
    """The store to go on in."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"domain": "cdnow.myshopify.com"}]}
    )

    domain: Annotated[str, StringConstraints(max_length=255)]


class Person(BaseModel):
    """Somebody who has opened the app, by the id that `user:` stands before where they acted."""

    id: str
    name: str


class People(BaseModel):
    """Those whose names the reader may know."""

    items: list[Person]


class Member(BaseModel):
    """Somebody who has opened the app of the shop; ``active`` is false once they were removed."""

    id: str
    name: str
    email: str
    role: Role
    active: bool
    account_owner: bool
    last_seen_at: datetime


class Members(BaseModel):
    """The shop's people, those who may come in first."""

    items: list[Member]


class MemberChange(BaseModel):
    """What to change; fields left out stay. A member who is not active cannot come in."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"role": "marketer"}]})

    role: Role | None = None
    active: bool | None = None


KeyName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]*$")
]


class NewApiKey(BaseModel):
    """A key to make. ``scopes`` are permissions, none beyond those of whoever makes it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Nightly export", "scopes": ["read"], "expires_at": "2027-06-30T00:00:00Z"}]
        },
    )

    name: KeyName
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=5)]
    expires_at: AwareDatetime | None = None


class KeyRotation(BaseModel):
    """How long the old secret still works, in seconds, and when the new one ends (null: when the old one would)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"grace_s": 86_400}]})

    grace_s: Annotated[int, Field(ge=0, le=7 * 86_400)] = 86_400
    expires_at: AwareDatetime | None = None


class ApiKeyRow(BaseModel):
    """A key without its secret. ``last_used_at`` may be five minutes old."""

    id: str
    name: str
    scopes: list[Permission]
    state: Literal["working", "expired", "revoked"]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    rotated_from: str | None


class ApiKeyWithSecret(ApiKeyRow):
    """A new key. The secret is in this answer and nowhere else."""

    secret: str
