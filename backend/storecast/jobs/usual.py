"""The usual run times of a shop's kinds of jobs, for its lists: looked at seldom, since they say little anew.

They are told by the last day's runs, of which one more changes nothing that anybody would see; to find them takes the
database longer than all else that a page of runs asks for.
"""

import threading
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from storecast.jobs import repository
from storecast.kit.types import ShopId

WINDOW = timedelta(days=1)

KEPT_S = 20.0

SHOPS_MAX = 5_000

_Kept = dict[tuple[ShopId, frozenset[str]], tuple[float, Mapping[str, int]]]

_kept: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()
"""By database: another one has other shops of the same ids."""

_lock = threading.Lock()


def run_ms(
    session: Session, shop_id: ShopId | None, names: Collection[str], now: datetime
) -> Mapping[str, int]:
    """The 95th percentile of the run time of each of these kinds, in milliseconds, where there is one."""
    if shop_id is None:
        return repository.usual_run_ms(session, None, names, now - WINDOW)
    with _lock:
        kept = _kept.setdefault(session.get_bind(), {})
    key = (shop_id, frozenset(names))
    found = kept.get(key)
    if found is None or time.monotonic() > found[0]:
        looked = repository.usual_run_ms(session, shop_id, names, now - WINDOW)
        with _lock:
            if len(kept) >= SHOPS_MAX:
                kept.clear()
            found = kept[key] = (time.monotonic() + KEPT_S, looked)
    return found[1]
