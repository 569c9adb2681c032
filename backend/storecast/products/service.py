"""Rules of products: the newest report wins."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.products import repository
from storecast.products.models import Product
from storecast.products.records import PRODUCTS, VARIANTS, ProductRecord, VariantRecord
from storecast.webhooks import objects


def import_records(session: Session, shop_id: ShopId, records: Iterable[ProductRecord]) -> int:
    """Upsert products as a source reported them; stale ones change nothing. Returns the rows written."""
    PRODUCTS.fill(session, records)
    objects.drop_gone(session, shop_id, PRODUCTS.name)
    return repository.upsert_staged_products(session, shop_id)


def import_variants(
    session: Session, shop_id: ShopId, variants: Iterable[VariantRecord], *, as_of: datetime | None
) -> None:
    """Upsert variants that were true at ``as_of``; call it after the products of the same chunk."""
    VARIANTS.fill(session, variants)
    repository.upsert_staged_variants(session, shop_id, as_of=as_of)


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


def count(session: Session, shop_id: ShopId) -> int:
    """How many products the shop has."""
    return repository.count(session, shop_id)
