"""What every page shares: the parts of the program it may use, the templates, and how values are written.

Invariant: templates escape everything; a page names no address outside the simulator except the app's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from simulator.clock import parse_instant
from simulator.config import SimulatorConfig
from simulator.mail.server import MailCatcher
from simulator.state.records import Product, Shop, User
from simulator.store import Store
from simulator.world import World

STATIC_DIR = Path(__file__).parent.parent / "static"
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$"}
_USER_COOKIE = "sim_user"


@dataclass(frozen=True, slots=True)
class Site:
    """The running simulator as its pages see it."""

    config: SimulatorConfig
    store: Store
    world: World
    mail: MailCatcher

    @property
    def app_origin(self) -> str:
        parts = urlsplit(self.config.app_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def app_name(self) -> str:
        return self.world.manifest.name

    @property
    def app_handle(self) -> str:
        return self.world.manifest.handle

    def get_shop(self, request: Request) -> Shop:
        """The shop of the path, by domain or by its short name."""
        name = request.path_params["shop"]
        shop = self.store.shops.find(name) or self.store.shops.find(f"{name}.myshopify.com")
        if shop is None:
            raise HTTPException(404, f"This simulator has no shop {name}.")
        return shop

    def current_user(self, request: Request, shop: Shop) -> User:
        """Whom the person plays: the owner, unless they chose another member of staff."""
        chosen = request.cookies.get(_USER_COOKIE, "")
        user = self.store.shops.find_user(shop.id, int(chosen)) if chosen.isdigit() else None
        return user or self.store.shops.list_users(shop.id)[0]


def money(minor: int, currency: str) -> str:
    sign, amount = ("-", -minor) if minor < 0 else ("", minor)
    symbol = _SYMBOLS.get(currency)
    number = f"{amount / 100:,.2f}"
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}"


def local_time(text: str, timezone: str | None = None) -> str:
    """An instant as the shop's clock shows it; without a shop, this machine's."""
    at = parse_instant(text).astimezone(ZoneInfo(timezone) if timezone else None)
    year = "" if at.year == datetime.now(at.tzinfo).year else f", {at.year}"
    return f"{at:%b} {at.day}{year} at {at:%H:%M}"


def picture(product: Product) -> str:
    return product.image_url or f"/covers/{product.handle}.svg"


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "other"


def words(state: str) -> str:
    """`PARTIALLY_REFUNDED` as a person says it."""
    return state.replace("_", " ").capitalize()


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(money=money, local_time=local_time, picture=picture, words=words, slug=slug)
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment


_TEMPLATES = _environment()


def page(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    html = _TEMPLATES.get_template(name).render(**values)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def set_user_cookie(response: Response, user_id: str) -> None:
    response.set_cookie(_USER_COOKIE, user_id, httponly=True, samesite="lax")
