"""Discounts with unique codes: one discount at Shopify, and codes that nobody can guess hung on it.

Every code is a row before Shopify hears of it and Shopify knows a code once in a shop, so a run that was killed is
followed by the same again: what is there already is found by its code instead of being made twice. The discount is made
with the first code; the others are added 250 at a time, by an operation of Shopify's that is asked after until it is
done, and each refusal stays with its code. Codes are used once each: ``usageLimit`` 1 counts per code of a discount
that has many (X: the schema says "the discount"; read the other way the second buyer is refused, never a code used
twice). Unique codes belong on one discount (Built for Shopify 5.5.3).
Source: https://shopify.dev/docs/api/admin-graphql/latest/mutations/discountRedeemCodeBulkAdd.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.campaigns import discounts_repository as repository
from storecast.campaigns import discounts_schemas as schemas
from storecast.campaigns import leases_repository
from storecast.campaigns.errors import DiscountBusy, DiscountUnknown
from storecast.campaigns.jobs import MakeDiscount
from storecast.campaigns.models import DiscountSet
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.money import Money, from_minor
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied, OperationRefused, UserErrors
from storecast.shops import features, tokens
from storecast.shops import service as shops
from storecast.shops.features import Feature
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 O, 1 I L, which people mistake for each other when they type a code."""

RANDOM_CHARACTERS = 12
"""59 bits: with a hundred thousand codes out, a guess a millisecond hits one in two centuries."""

AT_ONCE = 250
"""Shopify's limit for the codes of one call."""

POLL = timedelta(seconds=2)
PATIENCE = timedelta(hours=1)
"""An addition that is not done by then is asked for again; codes that were added after all are found by then."""

PAGE = 50
REFUSALS_SHOWN = 100


def request(session: Session, shop_id: ShopId, given: schemas.NewDiscount, *, actor: str) -> DiscountSet:
    """Have a discount and its codes made. Raises ScopeMissing."""
    features.require(session, shop_id, Feature.DISCOUNTS)
    shop = shops.get(session, shop_id)
    discount = DiscountSet(
        shop_id=shop_id,
        public_id=public_id("dsc"),
        title=given.title,
        percent_hundredths=round(given.percent * 100) if given.percent is not None else None,
        amount_minor=given.amount_minor,
        currency=shop.currency,
        starts_at=given.starts_at or utcnow(),
        ends_at=given.ends_at,
        once_per_customer=given.once_per_customer,
        prefix=given.prefix,
        total=given.codes,
    )
    repository.add(session, discount)
    outbox.add(session, shop_id, MakeDiscount(discount.id))
    audit.record(
        session,
        shop_id,
        actor,
        "discount_requested",
        discount.public_id,
        title=given.title,
        codes=given.codes,
    )
    return discount


def extend(
    session: Session, shop_id: ShopId, discount_id: str, given: schemas.MoreCodes, *, actor: str
) -> None:
    """Have more codes made for a discount that is there. Raises DiscountUnknown, DiscountBusy, Invalid."""
    features.require(session, shop_id, Feature.DISCOUNTS)
    discount = repository.lock(session, shop_id, find_id(session, shop_id, discount_id))
    if discount is None:
        raise DiscountUnknown
    if discount.state != "done":
        raise DiscountBusy(state=discount.state)
    if discount.total + given.codes > schemas.MAX_CODES:
        most = schemas.MAX_CODES - discount.total
        fault = FieldError("/codes", f"This discount can have {most:,} more codes.", "too_many_codes")
        raise Invalid("A discount has at most 100,000 codes.", errors=[fault])
    discount.total += given.codes
    discount.state, discount.finished_at = "queued", None
    outbox.add(session, shop_id, MakeDiscount(discount.id))
    audit.record(session, shop_id, actor, "discount_extended", discount_id, codes=given.codes)


def get(session: Session, shop_id: ShopId, discount_id: str) -> schemas.Discount:
    """A discount as the API shows it; raises DiscountUnknown."""
    discount = repository.find(session, shop_id, discount_id)
    if discount is None:
        raise DiscountUnknown
    return _shape(session, shop_id, discount)


def find_id(session: Session, shop_id: ShopId, discount_id: str) -> int:
    """The internal id of a discount; raises DiscountUnknown."""
    discount = repository.find(session, shop_id, discount_id)
    if discount is None:
        raise DiscountUnknown
    return discount.id


def find_public_id(session: Session, shop_id: ShopId, set_id: int | None) -> str | None:
    """What the API calls a discount."""
    return repository.get(session, shop_id, set_id).public_id if set_id is not None else None


def list_page(session: Session, shop_id: ShopId, cursor: str | None) -> Page[schemas.Discount]:
    """Discounts, newest first."""
    found = repository.list_newest(session, shop_id, decode_id_cursor(cursor), PAGE + 1)
    items = [_shape(session, shop_id, discount) for discount in found[:PAGE]]
    return Page(items=items, next_cursor=encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def _shape(session: Session, shop_id: ShopId, discount: DiscountSet) -> schemas.Discount:
    counts = repository.counts(session, shop_id, discount.id)
    amount = discount.amount_minor
    return schemas.Discount(
        id=discount.public_id,
        title=discount.title,
        percent=discount.percent_hundredths / 100 if discount.percent_hundredths is not None else None,
        amount=Money(amount_minor=amount, currency=discount.currency) if amount is not None else None,
        starts_at=discount.starts_at,
        ends_at=discount.ends_at,
        once_per_customer=discount.once_per_customer,
        prefix=discount.prefix,
        state=discount.state,  # type: ignore[arg-type]  # a CHECK holds it to these values
        codes=discount.total,
        live=counts.get("live", 0),
        leased=counts.get("live", 0) - leases_repository.counts(session, shop_id, discount.id).free,
        redeemed=repository.redeemed(session, shop_id, discount),
        refused=counts.get("refused", 0),
        refusals=[
            schemas.CodeRefusal(code=code, error=error or "")
            for code, error in repository.refusals(session, shop_id, discount.id, REFUSALS_SHOWN)
        ],
        error=discount.error,
        created_at=discount.created_at,
        finished_at=discount.finished_at,
    )


def export_codes(session: Session, shop_id: ShopId, discount_id: str, *, actor: str) -> str:
    """The codes that customers can use, as CSV with a header; raises DiscountUnknown. Each is worth money: audited."""
    discount = repository.find(session, shop_id, discount_id)
    if discount is None:
        raise DiscountUnknown
    codes = repository.live(session, shop_id, discount.id)
    discount.exported_at = utcnow()
    audit.record(session, shop_id, actor, "discount_codes_exported", discount_id, codes=len(codes))
    return "".join(f"{line}\r\n" for line in ("code", *codes))


def new_code(prefix: str) -> str:
    """The prefix and so many random characters."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))


def make(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    discount_set_id: int,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Carry a discount on from where it stands: to its end, or to the next look at Shopify's operation."""
    with unit_of_work() as session:
        discount = repository.lock(session, shop_id, discount_set_id)
        if discount is None or discount.state in ("done", "failed"):
            return
        if features.list_missing(session, shop_id, Feature.DISCOUNTS):
            _fail(discount, "the store has taken write_discounts back")
            return
        discount.state = "running"
        repository.mint(session, discount, new_code)
    client = tokens.admin_client(unit_of_work, shop_id)
    try:
        _make_discount(unit_of_work, shop_id, client, discount_set_id)
        _look(unit_of_work, shop_id, client, discount_set_id)
        _add(unit_of_work, shop_id, client, discount_set_id)
    except (UserErrors, OperationRefused, AccessDenied) as refused:
        with unit_of_work() as session:
            _fail(repository.get(session, shop_id, discount_set_id), str(refused)[:500])
    with unit_of_work() as session:
        counts = repository.counts(session, shop_id, discount_set_id)
    total = sum(counts.values())
    progress(total - counts.get("staged", 0), total)


def _fail(discount: DiscountSet, error: str) -> None:
    discount.state, discount.error, discount.finished_at = "failed", error, utcnow()
    log.warning("discount_failed", discount=discount.public_id, error=error)


def _make_discount(unit_of_work: UnitOfWork, shop_id: ShopId, client: AdminClient, set_id: int) -> None:
    """Make the discount with its first code, or find it by that code when an earlier run has made it."""
    with unit_of_work() as session:
        discount = repository.get(session, shop_id, set_id)
        if discount.discount_gid is not None:
            return
        code = repository.first_code(session, shop_id, set_id)
        given = _input(discount, code)
    try:
        gid = client.mutate("discount_create", {"discount": given})["codeDiscountNode"]["id"]
    except UserErrors as refused:
        gid = _owner(client, code) if "TAKEN" in refused.codes else None
        if gid is None:
            raise
    with unit_of_work() as session:
        repository.get(session, shop_id, set_id).discount_gid = gid
        repository.record(session, shop_id, set_id, {code: None})


def _input(discount: DiscountSet, code: str) -> dict[str, Any]:
    value: dict[str, Any]
    if discount.percent_hundredths is not None:
        value = {"percentage": discount.percent_hundredths / 10_000}
    else:
        amount = from_minor(discount.amount_minor or 0, discount.currency)
        value = {"discountAmount": {"amount": str(amount), "appliesOnEachItem": False}}
    return {
        "title": discount.title,
        "code": code,
        "context": {"all": "ALL"},
        "customerGets": {"value": value, "items": {"all": True}},
        "startsAt": discount.starts_at.astimezone(UTC).isoformat(),
        "endsAt": discount.ends_at.astimezone(UTC).isoformat() if discount.ends_at else None,
        "usageLimit": 1,
        "appliesOncePerCustomer": discount.once_per_customer,
    }


def _owner(client: AdminClient, code: str) -> str | None:
    """The discount that a code belongs to."""
    node = client.execute("discount_by_code", {"code": code}).data.get("codeDiscountNodeByCode")
    return str(node["id"]) if isinstance(node, dict) else None


def _add(unit_of_work: UnitOfWork, shop_id: ShopId, client: AdminClient, set_id: int) -> None:
    """Have the next codes added, unless some are being added; at the end of all of them the discount is done."""
    with unit_of_work() as session:
        discount = repository.lock(session, shop_id, set_id)
        if discount is None or discount.state != "running" or discount.creation_gid is not None:
            return
        gid = discount.discount_gid
        codes = repository.staged(session, shop_id, set_id, AT_ONCE)
        if not codes:
            discount.state, discount.finished_at = "done", utcnow()
            log.info("discount_made", discount=discount.public_id, codes=discount.total)
            return
    payload = client.mutate("discount_codes_add", {"id": gid, "codes": [{"code": code} for code in codes]})
    with unit_of_work() as session:
        discount = repository.get(session, shop_id, set_id)
        discount.creation_gid, discount.requested_at = payload["bulkCreation"]["id"], utcnow()
        outbox.add(session, shop_id, MakeDiscount(set_id), run_at=utcnow() + POLL)


def _look(unit_of_work: UnitOfWork, shop_id: ShopId, client: AdminClient, set_id: int) -> None:
    """Take the outcome of the codes that are being added, when there is one."""
    with unit_of_work() as session:
        discount = repository.get(session, shop_id, set_id)
        gid, creation, since = discount.discount_gid, discount.creation_gid, discount.requested_at
    if creation is None:
        return
    told = _creation(client, "discount_codes_progress", creation)
    overdue = since is None or utcnow() - since > PATIENCE
    if told is not None and not told["done"] and not overdue:
        with unit_of_work() as session:
            outbox.add(session, shop_id, MakeDiscount(set_id), run_at=utcnow() + POLL)
        return
    outcomes: dict[str, str | None] = {}
    if told is not None and told["done"]:
        with unit_of_work() as session:
            # What was sent is still what comes first.
            outcomes = dict.fromkeys(repository.staged(session, shop_id, set_id, AT_ONCE))
        if told["failedCount"]:
            outcomes = _outcomes(client, gid, creation)
    with unit_of_work() as session:
        discount = repository.get(session, shop_id, set_id)
        if discount.creation_gid == creation:
            discount.creation_gid = None
            repository.record(session, shop_id, set_id, outcomes)


def _creation(client: AdminClient, operation: str, gid: str) -> dict[str, Any] | None:
    creation = client.execute(operation, {"id": gid}).data.get("discountRedeemCodeBulkCreation")
    return creation if isinstance(creation, dict) else None


def _outcomes(client: AdminClient, gid: str | None, creation: str) -> dict[str, str | None]:
    """Why each code was refused, None for the live ones: a taken one may be ours, added by a run that was killed."""
    told = _creation(client, "discount_codes_outcome", creation) or {"codes": {"nodes": []}}
    outcomes: dict[str, str | None] = {}
    for node in told["codes"]["nodes"]:
        errors = node["errors"]
        if errors and any(_taken(error) for error in errors) and _owner(client, node["code"]) == gid:
            errors = []
        outcomes[node["code"]] = "; ".join(str(error["message"]) for error in errors)[:500] or None
    return outcomes


def _taken(error: dict[str, Any]) -> bool:
    return error.get("code") == "TAKEN" or "unique" in str(error.get("message")).lower()
