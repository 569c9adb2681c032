"""API shapes of the session."""

from typing import Literal

from pydantic import BaseModel


class SessionShop(BaseModel):
    """The shop that the session works in."""

    domain: str
    name: str
    currency: str
    timezone: str


class SessionUser(BaseModel):
    """The person who is signed in."""

    id: str
    name: str
    email: str | None
    role: Literal["owner", "admin", "marketer", "operator", "viewer"]


class Session(BaseModel):
    """Who is signed in where, and what they may do."""

    shop: SessionShop
    user: SessionUser
    door: Literal["embedded", "browser"]
    permissions: list[str]


class Person(BaseModel):
    """Somebody who has opened the app, by the id that `user:` stands before where they acted."""

    id: str
    name: str


class People(BaseModel):
    """Those whose names the reader may know."""

    items: list[Person]
