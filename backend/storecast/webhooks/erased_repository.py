"""SQL of tombstones."""

from collections.abc import Collection, Sequence

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.webhooks.models import ErasedObject, ErasureKey

# As text: every order asks twice, and to build the statement costs more than to run it.
_FIND_KEY = text("SELECT key FROM erasure_keys WHERE shop_id = :shop_id")


def find_key(session: Session, shop_id: ShopId) -> bytes | None:
    key: bytes | None = session.scalar(_FIND_KEY, {"shop_id": shop_id})
    return key


def add_key(session: Session, shop_id: ShopId, sealed: bytes) -> None:
    """Keep the key unless the shop has one."""
    session.execute(insert(ErasureKey).values(shop_id=shop_id, key=sealed).on_conflict_do_nothing())


def add(session: Session, shop_id: ShopId, digests: Collection[bytes]) -> None:
    rows = [{"shop_id": shop_id, "digest": digest} for digest in sorted(set(digests))]
    session.execute(insert(ErasedObject).values(rows).on_conflict_do_nothing())


def list_known(session: Session, shop_id: ShopId, digests: Collection[bytes]) -> Sequence[bytes]:
    known = (ErasedObject.shop_id == shop_id, ErasedObject.digest.in_(list(digests)))
    return session.scalars(select(ErasedObject.digest).where(*known)).all()


def drop_staged(session: Session, shop_id: ShopId, staged: str, key: bytes) -> int:
    statement = text(f"DELETE FROM {staged} AS row WHERE {_is_erased('gid')}")
    result = session.execute(statement, {"shop_id": shop_id, "key": key})
    return result.rowcount  # type: ignore[attr-defined,no-any-return]


def list_staged(
    session: Session, shop_id: ShopId, staged: str, columns: Sequence[str], key: bytes
) -> list[str]:
    any_of = " OR ".join(map(_is_erased, columns))
    found = session.scalars(
        text(f"SELECT DISTINCT gid FROM {staged} AS row WHERE {any_of} ORDER BY gid"),
        {"shop_id": shop_id, "key": key},
    )
    return list(found)


def _is_erased(column: str) -> str:
    return (
        "EXISTS (SELECT FROM erased_objects AS erased WHERE erased.shop_id = :shop_id"
        f" AND erased.digest = sha256(CAST(:key AS bytea) || convert_to(row.{column}, 'UTF8')))"
    )
