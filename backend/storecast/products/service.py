"""Rules of products: the newest report wins."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from storecast.kit.money import Money
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.products import collections_repository, repository
from storecast.products.models import Product
from storecast.products.records import (
    COLLECTIONS,
    MEMBERSHIPS,
    PRODUCTS,
    VARIANTS,
    CollectionRecord,
    MembershipRecord,
    ProductRecord,
    VariantRecord,
)
from storecast.products.schemas import ProductRow
from storecast.webhooks import objects

PAGE = 50


def import_records(session: Session, shop_id: ShopId, records: Iterable[ProductRecord]) -> int:
    """Upsert products as a source reported them; stale ones change nothing. Returns the rows written."""
    PRODUCTS.fill(session, records)
    objects.drop_gone(session, shop_id, PRODUCTS.name)
    return repository.upsert_staged_products(session, shop_id)


def import_variants(
    session: Session,
    shop_id: ShopId,
    variants: Iterable[VariantRecord],
    *,
    as_of: datetime | None,
    whole: bool = False,
) -> None:
    """Upsert variants that were true at ``as_of``; call it after the products of the same chunk.

    ``whole``: these are all variants of the chunk's products, and others of theirs go.
    """
    VARIANTS.fill(session, variants)
    repository.upsert_staged_variants(session, shop_id, as_of=as_of)
    if whole:
        repository.drop_variants_of_staged(session, shop_id)


def list_lost_variants(session: Session, shop_id: ShopId) -> Sequence[int]:
    """Variants of the chunk's products that it does not show; call it after `import_variants`."""
    return repository.list_lost_variants(session, shop_id)


def drop_variants(session: Session, shop_id: ShopId, ids: Sequence[int]) -> None:
    """Remove variants that Shopify no longer has."""
    repository.drop_variants(session, shop_id, ids)


def import_collections(session: Session, shop_id: ShopId, records: Iterable[CollectionRecord]) -> int:
    """Upsert collections as a source reported them; stale ones change nothing. Returns the rows written."""
    COLLECTIONS.fill(session, records)
    objects.drop_gone(session, shop_id, COLLECTIONS.name)
    return collections_repository.upsert_staged(session, shop_id)


def import_memberships(
    session: Session,
    shop_id: ShopId,
    members: Iterable[MembershipRecord],
    *,
    seen_at: datetime,
    whole: bool = False,
) -> None:
    """Upsert what stood in collections at ``seen_at``; ``whole`` as for variants."""
    MEMBERSHIPS.fill(session, members)
    collections_repository.upsert_staged_members(session, shop_id, seen_at=seen_at)
    if whole:
        collections_repository.drop_members_of_staged(session, shop_id, seen_at=seen_at)


def drop_unseen_memberships(session: Session, shop_id: ShopId, *, since: datetime) -> None:
    """After a complete import that began ``since``: what it did not show stands in no collection any more."""
    collections_repository.drop_members_unseen(session, shop_id, since=since)


def forget_collection(session: Session, shop_id: ShopId, gid: str) -> None:
    """Remove a collection that the shop deleted; its products stay."""
    collections_repository.delete(session, shop_id, gid)


def finish_import(session: Session, shop_id: ShopId) -> None:
    """Tie together what arrived out of order."""
    repository.link(session, shop_id)


def record(
    session: Session,
    shop_id: ShopId,
    product: ProductRecord,
    variants: Sequence[VariantRecord],
    *,
    variant_gids: Sequence[str],
) -> None:
    """Take over a product and what is said of its variants, unless what is stored is newer or the same.

    Variants that are not among ``variant_gids`` go.
    """
    product_id = repository.upsert_one(session, shop_id, product)
    if product_id is None:
        return
    VARIANTS.fill(session, variants)
    repository.upsert_staged_variants(session, shop_id, as_of=None)
    repository.drop_variants_except(session, shop_id, product_id, variant_gids)


def forget(session: Session, shop_id: ShopId, gid: str) -> None:
    """Remove a product that the shop deleted."""
    repository.delete(session, shop_id, gid)


def list_sellable(session: Session, shop_id: ShopId, limit: int) -> Sequence[Product]:
    """Active products with an image, for previews and product blocks."""
    return repository.list_sellable(session, shop_id, limit)


def list_page(
    session: Session, shop_id: ShopId, *, search: str | None, gids: Sequence[str] | None, cursor: str | None
) -> Page[ProductRow]:
    """A page of active products, newest first: those with ``search`` in their title, and of ``gids`` if given."""
    before_id = decode_id_cursor(cursor or None)
    found = repository.list_active(
        session, shop_id, search=search, gids=gids, before_id=before_id, limit=PAGE + 1
    )
    more = len(found) > PAGE
    items = [
        ProductRow(
            gid=product.gid,
            title=product.title,
            image_url=product.image_url,
            price=Money(amount_minor=product.price_minor, currency=product.currency),
        )
        for product in found[:PAGE]
    ]
    return Page(items=items, next_cursor=encode_cursor(found[PAGE - 1].id) if more else None)


def count(session: Session, shop_id: ShopId) -> int:
    """How many products the shop has."""
    return repository.count(session, shop_id)


def known_gids(session: Session, shop_id: ShopId, gids: Collection[str]) -> set[str]:
    """Those of these products that the shop has."""
    return repository.known_gids(session, shop_id, gids) if gids else set()


def known_collection_gids(session: Session, shop_id: ShopId, gids: Collection[str]) -> set[str]:
    """Those of these collections that the shop has."""
    return collections_repository.known_gids(session, shop_id, gids) if gids else set()


def list_titles(
    session: Session, shop_id: ShopId, *, search: str = "", gids: Sequence[str] = (), limit: int
) -> dict[str, str]:
    """Products to choose from, by gid: these, or those whose title has the words."""
    return repository.list_titles(session, shop_id, search, gids, limit)


def list_collection_titles(
    session: Session, shop_id: ShopId, *, search: str = "", gids: Sequence[str] = (), limit: int
) -> dict[str, str]:
    """Collections to choose from, likewise."""
    return collections_repository.list_titles(session, shop_id, search, gids, limit)
