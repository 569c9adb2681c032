"""Forgetting a person: who they are, every table that knows them or quotes them, and what Redis keeps.

The person is resolved once and written down with the request; then each table is a transaction of its own, so that a
process that dies in between goes on where it was. Passes repeat until one finds nothing: what was under way during the
first (a running job, a waiting webhook) is found by the next.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.db.session import retention_session
from storecast.kit.types import ShopId
from storecast.privacy import caches, needles, repository
from storecast.privacy.coverage import CUSTOMER_RULES, MENTIONS, Subject, tables_with_personal_data
from storecast.privacy.models import PrivacyRequest
from storecast.privacy.needles import Needles

UnitOfWork = Callable[[], AbstractContextManager[Session]]

Step = Callable[[Session], tuple[int, int]]
"""Erases in one place; how many rows spoke of the person before, and how many after."""


def find_subject(session: Session, shop_id: ShopId, request: PrivacyRequest) -> Subject:
    """Everything that the person is known under: some records of Shopify hold the address only.

    A phone number finds a customer only where nothing else was told: people of one household share one.
    """
    told: dict[str, Any] = dict(request.subject or {})
    if "resolved" in told:
        return _from_json(told["resolved"])
    email = str(told.get("email") or "").strip().lower()
    phone = str(told.get("phone") or "").strip()
    gids = {request.customer_gid} if request.customer_gid else set()
    only_phone = [phone] if phone and not gids and not email else []
    rows = repository.customer_rows(session, shop_id, sorted(gids), [email] if email else [], only_phone)
    gids |= {row.gid for row in rows}
    emails = {address.lower() for address in (email, *(row.email for row in rows)) if address}
    phones = needles.phone_spellings({number for number in (phone, *(row.phone for row in rows)) if number})
    subject = Subject(
        gids=sorted(gids),
        emails=sorted(emails),
        phones=sorted(phones),
        customer_ids=sorted(row.id for row in rows),
        names=tuple(sorted(_full_names(rows))),
        request_id=request.id,
    )
    orders = repository.order_rows(session, shop_id, subject, list(told.get("order_gids", [])))
    subject = replace(
        subject,
        order_ids=[order.id for order in orders],
        order_gids=[order.gid for order in orders],
    )
    clients = repository.client_ids(session, shop_id, subject)
    tokens = {
        token for order in orders for token in (order.cart_token, order.checkout_token, order.client_id)
    }
    texts = [*gids, *emails, *phones, *clients, *tokens, *(row.public_id for row in rows)]
    numbers = [customer_gid.rpartition("/")[2] for customer_gid in gids]
    return replace(subject, client_ids=clients, needles=needles.collect(texts, numbers))


def what_stays_away(request: PrivacyRequest, subject: Subject) -> set[str]:
    """The ids under which the person could come back; the orders that the request names among them, known or not."""
    named = dict(request.subject or {}).get("order_gids") or []
    return {*subject.gids, *subject.order_gids, *named, *subject.client_ids}  # type: ignore[misc]


def as_json(subject: Subject) -> dict[str, Any]:
    """The subject as it is kept with its request."""
    return asdict(subject)


def steps(shop_id: ShopId, subject: Subject) -> Iterator[tuple[str, bool, Step]]:
    """Every place in the order of erasure: its name, whether the retention role has to do it, and how."""
    personal = tables_with_personal_data()

    def of_rule(name: str) -> Step:
        rule = CUSTOMER_RULES[name]

        def step(session: Session) -> tuple[int, int]:
            before = repository.erase(session, shop_id, name, rule, subject, personal[name])
            return before, repository.count(session, shop_id, name, rule, subject, personal[name])

        return step

    def of_mention(name: str) -> Step:
        def step(session: Session) -> tuple[int, int]:
            before = repository.erase_mentions(session, shop_id, name, MENTIONS[name], subject)
            return before, repository.count_mentions(session, shop_id, name, MENTIONS[name], subject)

        return step

    def of_audit(session: Session) -> tuple[int, int]:
        expression = subject.in_records().anywhere()
        before = audit.erase_mentions(session, shop_id, expression)
        return before, audit.count_mentions(session, shop_id, expression)

    # What leads to the person goes last, and with it the traces that the erasure itself might leave.
    yield from ((name, mention.platform, of_mention(name)) for name, mention in MENTIONS.items())
    yield "audit_log", True, of_audit
    yield from ((name, False, of_rule(name)) for name in CUSTOMER_RULES)


def erase(unit_of_work: UnitOfWork, shop_id: ShopId, request_id: int, subject: Subject) -> bool:
    """One pass over every place; True when it found nothing any more and nothing about the person is under way."""
    found = 0
    for name, needs_retention, step in steps(shop_id, subject):
        with retention_session() if needs_retention else unit_of_work() as session:
            repository.allow_long_search(session)
            before, after = step(session)
            # Counted by the commit that erases: who dies in between has neither erased nor counted.
            note(session, shop_id, request_id, name, before, after)
        found += before
    forgotten = caches.forget_person(subject)
    with unit_of_work() as session:
        note(session, shop_id, request_id, "redis", forgotten, 0)
        return found + forgotten == 0 and not repository.is_anything_under_way(session, shop_id, subject)


def note(session: Session, shop_id: ShopId, request_id: int, name: str, before: int, after: int) -> None:
    """Keep the counts of one place with the request; what an earlier pass found is added to."""
    request = repository.find(session, shop_id, request_id, lock=True)
    if request is None:
        return
    result: dict[str, Any] = dict(request.result or {})
    tables: dict[str, Any] = dict(result.get("tables", {}))
    earlier = tables.get(name, {"before": 0})["before"]
    tables[name] = {"before": earlier + before, "after": after}
    request.result = {**result, "tables": tables}


def _full_names(rows: list[Any]) -> set[str]:
    """Both names together; one alone is shared with too many."""
    names = {f"{row.first_name} {row.last_name}" for row in rows if row.first_name and row.last_name}
    return {name.lower() for name in names if len(name) >= needles.LENGTH_MIN}


def _from_json(kept: dict[str, Any]) -> Subject:
    spelled = {name: tuple(values) for name, values in kept["needles"].items()}
    return Subject(**{**kept, "names": tuple(kept["names"]), "needles": Needles(**spelled)})
