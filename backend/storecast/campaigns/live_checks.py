"""What only the world outside can say of a campaign: whether links answer, images can be shown, products be bought.

Asked outside of any transaction, so that sending itself does not wait for it, each host under its circuit, all of it
within some seconds; what did not answer by then is said to be unknown, not broken.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal, TypeAlias
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
IMAGES_ASKED = 40
AT_ONCE = 8
EACH_S = 4.0
REDIRECTS = 4
LARGE_IMAGE_BYTES = 1_000_000
"""On a phone's connection this takes seconds, and many a mail program gives up before."""

MAX_IMAGE_BYTES = 10_000_000
"""What carries images for mail programs (Gmail's proxy among them) fetches no such file."""

_SHOWN_TYPES = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/jpg",
        "image/pjpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
    }
)
"""What mail programs show: SVG, say, is an image that hardly any of them does."""

_ANY_TYPE = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""A server that says nothing of what it sends."""

GONE = frozenset({404, 410})
_NO_HEAD = frozenset({403, 405, 501})
"""What servers answer that take no HEAD; a GET tells."""

State = Literal["answers", "broken", "unknown"]
Answer: TypeAlias = httpx.Response | State


@dataclass(frozen=True, slots=True)
class Subject:
    """What to ask about."""

    urls: tuple[str, ...]
    product_gids: tuple[str, ...]
    image_urls: tuple[str, ...] = ()


def gather(session: Session, shop_id: ShopId, campaign: Campaign, number: int | None = None) -> Subject:
    """The fixed links and images and the picked products of a campaign as it is saved, or of one of its versions."""
    shop = shops.get(session, shop_id)
    versions = [
        (
            content.content_of(session, campaign, shop, version=version),
            content.origin_of(session, campaign, shop, version=version),
        )
        for version in variants.choose(session, shop_id, campaign, number)
    ]
    return Subject(
        _in_turns((compose.find_urls(*version) for version in versions), LINKS_ASKED),
        tuple(campaign.product_gids),
        _in_turns((compose.find_images(*version) for version in versions), IMAGES_ASKED),
    )


def _in_turns(by_version: Iterable[Iterable[str]], most: int) -> tuple[str, ...]:
    """Each version has its turn before any has its second: a long one keeps no other from being asked about."""
    found = (url for urls in zip_longest(*by_version) for url in urls if url is not None)
    return tuple(dict.fromkeys(found))[:most]


def judge(unit_of_work: UnitOfWork, shop_id: ShopId, subject: Subject) -> list[Check]:
    """A check for the links, two for the images, one or two for the products, each only where there are any."""
    checks = []
    answers = asyncio.run(_ask_all(dict.fromkeys((*subject.urls, *subject.image_urls))))
    if subject.urls:
        checks.append(_judge_links({url: _state_of(answers[url]) for url in subject.urls}))
    if subject.image_urls:
        checks += _judge_images({url: answers[url] for url in subject.image_urls})
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


def _judge_images(answers: Mapping[str, Answer]) -> list[Check]:
    """Whether they can be shown, and are small enough to be; large ones are named with their size in megabytes."""
    states = {url: _state_of(answer) for url, answer in answers.items()}
    shown = {url: answer for url, answer in answers.items() if states[url] == "answers"}
    broken = [url for url, state in states.items() if state == "broken"]
    others = [url for url, answer in shown.items() if not _is_shown(answer)]
    sizes = {url: _size_of(answer) for url, answer in shown.items() if url not in others}
    too_large = {url: _megabytes(size) for url, size in sizes.items() if size > MAX_IMAGE_BYTES}
    large = {url: _megabytes(size) for url, size in sizes.items() if size > LARGE_IMAGE_BYTES}
    facts: dict[str, Any] = {"asked": len(states), "unknown": sum(s == "unknown" for s in states.values())}
    kind = Check(code="images", level="ok", facts=facts)
    if others:
        kind = Check(code="images", level="stop", facts=facts | {"others": others})
    elif broken:
        kind = Check(code="images", level="ask", facts=facts | {"broken": broken})
    size = Check(code="image_size", level="ok", facts={})
    if too_large:
        size = Check(code="image_size", level="stop", facts={"images": too_large})
    elif large:
        size = Check(code="image_size", level="ask", facts={"images": large})
    return [kind, size]


def _is_shown(answer: Answer) -> bool:
    if not isinstance(answer, httpx.Response):
        return True
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind in _SHOWN_TYPES or kind in _ANY_TYPE


def _size_of(answer: Answer) -> int:
    """The size that the server names, 0 when it names none."""
    length = answer.headers.get("Content-Length", "") if isinstance(answer, httpx.Response) else ""
    return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0


def _megabytes(size_bytes: int) -> float:
    return round(size_bytes / 1_000_000, 1)


async def _ask_all(urls: Iterable[str]) -> dict[str, Answer]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(url: str) -> tuple[str, Answer]:
        async with slots:
            try:
                async with asyncio.timeout(EACH_S):
                    return url, await _ask(url)
            except TimeoutError:
                return url, "unknown"

    return dict(await asyncio.gather(*map(ask, urls)))


async def _ask(url: str) -> Answer:
    for _hop in range(REDIRECTS + 1):
        try:
            parts = public_http.split(url)
        except public_http.AddressRefused:
            return "broken"
        answer = await _head_of(parts)
        if not isinstance(answer, httpx.Response) or not answer.is_redirect:
            return answer
        url = urljoin(url, answer.headers.get("Location", ""))
    return "broken"


def _state_of(answer: Answer) -> State:
    if not isinstance(answer, httpx.Response):
        return answer
    if answer.status_code in GONE:
        return "broken"
    return "answers" if answer.status_code < 400 else "unknown"


async def _head_of(parts: SplitResult) -> Answer:
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
