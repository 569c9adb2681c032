"""API shapes of the session."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

ShopState = Literal["installed", "frozen", "closed", "uninstalled"]
Role = Literal["owner", "admin", "marketer", "operator", "viewer"]


class SessionShop(BaseModel):
    """The shop that the session works in."""

    domain: str
    name: str
    currency: str
    timezone: str
    # ``frozen`` and ``closed``: Shopify does not serve the store for now, and work for it waits.
    state: ShopState


class SessionUser(BaseModel):
    """The person who is signed in."""

    id: str
    name: str
    email: str | None
    role: Role


class Session(BaseModel):
    """Who is signed in where, and what they may do."""

    shop: SessionShop
    user: SessionUser
    door: Literal["embedded", "browser"]
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
