"""Taking over what has changed since a resource's mark, page by page in the order of change.

Each page is committed with the mark that it reaches, so that a pull that breaks off loses nothing and repeats little.
Webhooks bring the same changes sooner: what is stored already is written again by nobody, and a change that none of
them brought is counted.
"""

from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.orders import service as orders
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied
from storecast.shops import service as shops
from storecast.shops.unit_of_work import UnitOfWork
from storecast.sync import importer, marks, pages, repository
from storecast.sync.importer import ImportCounts
from storecast.sync.resources import KINDS, RESOURCES, Resource, missing_scope
from storecast.webhooks import service as webhooks

log = structlog.get_logger(__name__)


def due(session: Session, shop_id: ShopId) -> list[Resource]:
    """The resources whose changes are to be pulled: none while a run reads them anyway, or before a first one has."""
    shop = shops.get(session, shop_id)
    if shop.state != "installed" or repository.find_open(session, shop_id) is not None:
        return []
    return [
        resource
        for resource in RESOURCES
        if marks.find(session, shop_id, resource) is not None and missing_scope(resource, shop.scopes) is None
    ]


def pull(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    client: AdminClient,
    resource: Resource,
    *,
    check: Callable[[], None] = lambda: None,
) -> ImportCounts:
    """Take over the changes of one resource; ``check`` is called before each page and may raise to end the pull."""
    kind = KINDS[resource]
    counts = ImportCounts()
    began_at = utcnow()
    with unit_of_work() as session:
        mark = marks.find(session, shop_id, resource)
    search = marks.search_since(mark) if mark is not None and kind.searchable else None
    cursor, more = None, True
    while more:
        check()
        read_at = utcnow()
        try:
            page = pages.read_page(client, resource, after=cursor, search=search)
        except AccessDenied:
            log.info("sync_pull_denied", shop_id=shop_id, resource=resource)
            return counts
        cursor, more = page.cursor, page.cursor is not None
        with unit_of_work() as session:
            counts.add(
                importer.import_chunk(
                    session,
                    shop_id,
                    resource,
                    page.lines,
                    first_line=counts.lines + 1,
                    as_of=read_at,
                    whole=True,
                )
            )
            if resource == "orders":
                orders.follow_import(session, shop_id)
            if kind.told:
                webhooks.note_polled(session, shop_id, resource, page.versions, read_at)
            if kind.by_change and page.newest is not None:
                marks.advance(session, shop_id, resource, page.newest)
    with unit_of_work() as session:
        importer.finish(session, shop_id, resource)
        if not kind.by_change:
            marks.advance(session, shop_id, resource, began_at)
    return counts
