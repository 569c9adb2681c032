"""Forgetting a shop: every row of it, table by table in small transactions, and what Redis holds of it.

A process that dies in between goes on where it was, since what is gone stays gone. An installed shop is left alone:
Shopify sends the topic 48 hours after an uninstall, and the merchant may have come back since.
"""

from contextlib import AbstractContextManager

import structlog
from sqlalchemy.orm import Session

from storecast.db.base import Base
from storecast.db.session import retention_session
from storecast.kit.types import ShopId
from storecast.privacy import caches, repository
from storecast.privacy.coverage import KEPT_WITH_THE_SHOP_GONE, tables_with_personal_data
from storecast.privacy.erasure import UnitOfWork, note
from storecast.privacy.jobs import HandleRequest
from storecast.shops import service as shops

log = structlog.get_logger(__name__)

ROWS_PER_DELETE = 5_000
"""Rows of one statement: a fraction of a second each, so that locks stay short."""

PLACEHOLDER = "Redacted shop"


def shop_tables() -> list[str]:
    """Every table whose rows go with their shop, those that refer to others first."""
    return [
        table.name
        for table in reversed(Base.metadata.sorted_tables)
        if "shop_id" in table.c and table.name not in KEPT_WITH_THE_SHOP_GONE
    ]


def erase(unit_of_work: UnitOfWork, shop_id: ShopId, request_id: int) -> bool:
    """Delete everything; True: the shop is gone but for the proof. The counts are kept with the request."""
    with unit_of_work() as session:
        shop = shops.get(session, shop_id)
        domain, is_installed = shop.domain, shop.state == "installed"
    if is_installed:
        log.warning("shop_redact_refused", request_id=request_id, reason="installed")
        with unit_of_work() as session:
            _refuse(session, shop_id, request_id, "the shop is installed")
        return True
    # Jobs first: one that waits must not bring back what is deleted behind it.
    own = HandleRequest.name
    _erase_table(unit_of_work, shop_id, request_id, "outbox", but_job=own)
    for name in shop_tables():
        _erase_table(unit_of_work, shop_id, request_id, name)
    with unit_of_work() as session:
        _empty_what_stays(session, shop_id)
    forgotten = caches.forget_shop(shop_id, domain)
    with unit_of_work() as session:
        note(session, shop_id, request_id, "redis", forgotten, 0)
    return True


def _erase_table(
    unit_of_work: UnitOfWork, shop_id: ShopId, request_id: int, name: str, *, but_job: str | None = None
) -> None:
    with unit_of_work() as session:
        is_ours = repository.may_delete(session, name)

    def transaction() -> AbstractContextManager[Session]:
        return unit_of_work() if is_ours else retention_session()

    while True:
        with transaction() as session:
            deleted = repository.delete_some(session, shop_id, name, ROWS_PER_DELETE, but_job=but_job)
            is_last = deleted < ROWS_PER_DELETE
            left = repository.count_of_shop(session, shop_id, name, but_job=but_job) if is_last else 0
            # Counted by the commit that deletes: who dies in between has neither deleted nor counted.
            note(session, shop_id, request_id, name, deleted, left)
        if is_last:
            break


def _empty_what_stays(session: Session, shop_id: ShopId) -> None:
    """The rows that stay say nothing of people any more; the name may be a person's."""
    personal = tables_with_personal_data()
    shop = shops.get(session, shop_id)
    shop.name = PLACEHOLDER
    shop.storefront_url = shop.pixel_error = None
    session.flush()
    repository.empty_shop_columns(session, shop_id, "shops", "id", personal["shops"])
    repository.empty_shop_columns(
        session, shop_id, "privacy_requests", "shop_id", (*personal["privacy_requests"], "passphrase")
    )


def _refuse(session: Session, shop_id: ShopId, request_id: int, reason: str) -> None:
    request = repository.find(session, shop_id, request_id, lock=True)
    if request is not None:
        request.result = {**dict(request.result or {}), "refused": reason}
