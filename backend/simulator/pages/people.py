"""Finding customers by what a person types: a part of the name or address."""

from __future__ import annotations

from simulator.state.database import columns
from simulator.state.records import Customer
from simulator.store import Store

_MATCHES = (
    " where shop_id = ? and (? = '' or email like ? escape '\\'"
    " or coalesce(first_name, '') || ' ' || coalesce(last_name, '') like ? escape '\\')"
)


def find_customers(store: Store, shop_id: int, search: str, *, limit: int, offset: int) -> list[Customer]:
    """Newest first."""
    rows = store.database.all(
        f"select {columns(Customer)} from customers{_MATCHES} order by id desc limit ? offset ?",
        (*_arguments(shop_id, search), limit, offset),
    )
    return [Customer(*row) for row in rows]


def count_customers(store: Store, shop_id: int, search: str) -> int:
    if not search:
        return store.customers.count(shop_id)
    return int(
        store.database.scalar(f"select count(*) from customers{_MATCHES}", _arguments(shop_id, search))
    )


def _arguments(shop_id: int, search: str) -> tuple[int, str, str, str]:
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (shop_id, search, f"%{escaped}%", f"%{escaped}%")
