"""The CDNOW purchase history: 69,659 real purchases of 23,570 customers, moved in time to end yesterday.

The data set ships inside the `lifetimes` package (MIT), which is only read, never imported: it is unmaintained and
its import needs numpy, pandas and an old setuptools. Rows stay as they are: one purchase is one order, its dollars are
the order's total, purchases of zero dollars included.
"""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from simulator.seeds.catalogue import stock
from simulator.seeds.hashing import mix
from simulator.seeds.purchases import Purchase, PurchaseWriter
from simulator.state.records import Shop
from simulator.store import Store

FILE = "CDNOW_master.txt"
CUSTOMERS = 23_570

# Purchases happen between 13:00 and midnight UTC, which is the same calendar day in New York.
OPENS_S = 13 * 3600
OPEN_FOR_S = 11 * 3600 - 60


class DataSetMissing(Exception):
    """The `lifetimes` package, which carries the data set, is not installed."""


def path() -> Path:
    spec = importlib.util.find_spec("lifetimes")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        found = Path(folder) / "datasets" / FILE
        if found.is_file():
            return found
    raise DataSetMissing(
        "install the package lifetimes==0.11.3 without its dependencies: it carries the CDNOW data set"
    )


def fill(store: Store, shop: Shop, *, today: date | None = None) -> None:
    """The whole history, its last purchase on the day before `today`."""
    purchases = read(path(), today=today or datetime.now(UTC).date())
    writer = PurchaseWriter(store, shop, CUSTOMERS, stock(store, shop))
    writer.write(purchases, joined_at=lambda index: purchases[0][0])


def read(file: Path, *, today: date) -> list[Purchase]:
    """Purchases in order of time."""
    rows = [line.split() for line in file.read_text(encoding="ascii").splitlines()[1:]]
    last = datetime.strptime(max(row[1] for row in rows), "%Y%m%d").replace(tzinfo=UTC)
    shift_s = int((today - timedelta(days=1) - last.date()).total_seconds())
    midnights = {
        text: int(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).timestamp()) + shift_s
        for text in {row[1] for row in rows}
    }
    purchases = [
        (
            midnights[day] + OPENS_S + mix(number, 41) % OPEN_FOR_S,
            int(customer) - 1,
            int(pieces),
            int(dollars.replace(".", "")),
        )
        for number, (customer, day, pieces, dollars) in enumerate(rows)
    ]
    purchases.sort()
    return purchases
