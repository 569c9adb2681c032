"""What only the world outside can say of a campaign: whether its links answer and its products can be bought.

Nothing here stops a send: a page that does not answer now may in an hour. Asked outside of any transaction, each host
under its circuit, all of it within some seconds; what did not answer by then is said to be unknown, not broken.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal
from urllib.parse import SplitResult, urljoin

import httpx
import structlog
from sqlalchemy.orm import Session

from storecast.campaigns import content, variants
from storecast.campaigns.models import Campaign
from storecast.campaigns.schemas import Check
from storecast.kit.errors import Permanent, Retryable
from storecast.kit.types import ShopId
from storecast.messaging import compose
from storecast.resilience import public_http
from storecast.resilience.circuit import CircuitOpen
from storecast.resilience.guard import process_guard
from storecast.shops import service as shops
from storecast.shops import tokens
from storecast.shops.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

LINKS_ASKED = 40
AT_ONCE = 8
EACH_S = 4.0
REDIRECTS = 4
GONE = frozenset({404, 410})
_NO_HEAD = frozenset({403, 405, 501})
"""What servers answer that take no HEAD; a GET tells."""

State = Literal["answers", "broken", "unknown"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What to ask about."""

    urls: tuple[str, ...]
    product_gids: tuple[str, ...]


def gather(session: Session, shop_id: ShopId, campaign: Campaign, number: int | None = None) -> Subject:
    """The fixed links and the picked products of a campaign as it is saved, or of one of its versions.

    Each version has its turn before any has its second link: a long one keeps no other from being asked about.
    """
    shop = shops.get(session, shop_id)
    by_version = [
        compose.find_urls(
            content.content_of(session, campaign, shop, version=version),
            content.origin_of(session, campaign, shop, version=version),
        )
        for version in variants.choose(session, shop_id, campaign, number)
    ]
    in_turns = (url for urls in zip_longest(*by_version) for url in urls if url is not None)
    return Subject(tuple(dict.fromkeys(in_turns))[:LINKS_ASKED], tuple(campaign.product_gids))


def judge(unit_of_work: UnitOfWork, shop_id: ShopId, subject: Subject) -> list[Check]:
    """A check for the links and one or two for the products, each only where there are any."""
    checks = []
    if subject.urls:
        checks.append(_judge_links(asyncio.run(_ask_all(subject.urls))))
    if subject.product_gids:
        try:
            checks += _judge_products(unit_of_work, shop_id, subject.product_gids)
        except (Permanent, Retryable) as error:
            # Nothing is said of the products where Shopify cannot be asked.
            log.info("stock_not_checked", shop_id=shop_id, error_code=error.code)
    return checks


def _judge_links(states: dict[str, State]) -> Check:
    broken = [url for url, state in states.items() if state == "broken"]
    unknown = sum(state == "unknown" for state in states.values())
    facts: dict[str, Any] = {"asked": len(states), "unknown": unknown}
    return Check(
        code="links_answer",
        level="ask" if broken else "ok",
        facts=facts | ({"broken": broken} if broken else {}),
    )


async def _ask_all(urls: Sequence[str]) -> dict[str, State]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(url: str) -> State:
        async with slots:
            try:
                async with asyncio.timeout(EACH_S):
                    return await _ask(url)
            except TimeoutError:
                return "unknown"

    return dict(zip(urls, await asyncio.gather(*map(ask, urls)), strict=True))


async def _ask(url: str) -> State:
    for _hop in range(REDIRECTS + 1):
        try:
            parts = public_http.split(url)
        except public_http.AddressRefused:
            return "broken"
        answer = await _head_of(parts)
        if not isinstance(answer, httpx.Response):
            return answer
        if not answer.is_redirect:
            return _state_of(answer.status_code)
        url = urljoin(url, answer.headers.get("Location", ""))
    return "broken"


def _state_of(status: int) -> State:
    if status in GONE:
        return "broken"
    return "answers" if status < 400 else "unknown"


async def _head_of(parts: SplitResult) -> httpx.Response | State:
    try:
        with process_guard().call(f"links:{parts.hostname}", "link check") as call:
            try:
                answer = await _request(parts, "HEAD")
                if answer.status_code in _NO_HEAD:
                    answer = await _request(parts, "GET")
            except (public_http.NameUnknown, public_http.AddressRefused):
                return "broken"
            except httpx.TransportError as error:
                call.failed(type(error).__name__)
                return "broken" if isinstance(error, httpx.ConnectError) else "unknown"
            return answer
    except CircuitOpen:
        return "unknown"


async def _request(parts: SplitResult, method: str) -> httpx.Response:
    # The name is resolved in a thread: a slow resolver holds up this link only.
    requests = await asyncio.to_thread(
        public_http.requests_to, parts, method, headers={"User-Agent": "Storecast link check"}
    )
    return await public_http.exchange(requests, total_s=EACH_S)


def _judge_products(unit_of_work: UnitOfWork, shop_id: ShopId, gids: Sequence[str]) -> list[Check]:
    client = tokens.admin_client(unit_of_work, shop_id)
    found = [node for node in client.execute("product_stock", {"ids": list(gids)}).data["nodes"] if node]
    missing = [node["title"] for node in found if not _is_to_be_had(node)]
    deleted = len(gids) - len(found)
    stock = Check(
        code="stock", level="ask" if missing else "ok", facts={"products": missing} if missing else {}
    )
    if not deleted:
        return [stock]
    return [stock, Check(code="products_deleted", level="ask", facts={"deleted": deleted})]


def _is_to_be_had(product: dict[str, Any]) -> bool:
    in_stock = not product["tracksInventory"] or product["totalInventory"] > 0
    return product["status"] == "ACTIVE" and in_stock
