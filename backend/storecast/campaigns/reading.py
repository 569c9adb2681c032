"""Campaigns and their ledgers as pages, reports and other modules read them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.campaigns import claims_repository, discounts, leases, ledger_repository, repository, schemas
from storecast.campaigns.errors import CampaignUnknown
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.pacing import HELD_UNTIL
from storecast.customers import service as customers
from storecast.customers.errors import CustomerUnknown
from storecast.events.deliveries import DeliveryFact, DeliveryRef
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.pages import Page, decode_cursor, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.messaging import topics
from storecast.segments import service as segments

PAGE = 50

FOUND_AT_MOST = 500
"""Customers that a search among recipients looks at, the newest first."""

SETTLED = timedelta(days=2)
"""What has not come back by then has arrived, as a rule."""

ARRIVALS_LOOKED_AT = timedelta(days=60)


def find_delivery_facts(
    session: Session, shop_id: ShopId, refs: Collection[DeliveryRef]
) -> dict[DeliveryRef, DeliveryFact]:
    """Who got these deliveries and when; wired to `events.deliveries`."""
    if not refs:
        return {}
    rows = ledger_repository.find_deliveries(session, shop_id, refs)
    return {
        DeliveryRef(campaign_id, delivery_id): DeliveryFact(customer_id, accepted_at, email)
        for campaign_id, delivery_id, customer_id, accepted_at, email in rows
    }


def find_last_arrivals(
    session: Session, shop_id: ShopId, customer_ids: Collection[int]
) -> dict[int, datetime]:
    """When mail last arrived at customers, as far as it would have come back by now; wired to `events.deliveries`."""
    now = utcnow()
    return ledger_repository.last_arrivals(
        session, shop_id, customer_ids, since=now - ARRIVALS_LOOKED_AT, until=now - SETTLED
    )


def get(session: Session, shop_id: ShopId, campaign_id: str) -> Campaign:
    """The campaign of a public id; raises CampaignUnknown."""
    campaign = repository.find(session, shop_id, campaign_id)
    if campaign is None:
        raise CampaignUnknown
    return campaign


def shape(session: Session, shop_id: ShopId, campaign: Campaign) -> schemas.Campaign:
    """The campaign as the API shows it."""
    segment = segments.find_by_id(session, shop_id, campaign.segment_id) if campaign.segment_id else None
    excluded = segments.public_ids_of(session, shop_id, campaign.excluded_segment_ids)
    origin = repository.find_by_id(session, shop_id, campaign.origin_id) if campaign.origin_id else None
    own = {
        "id": campaign.public_id,
        "segment_id": segment.public_id if segment else None,
        "topic_id": topics.find_public_id(session, shop_id, campaign.topic_id),
        "discount_id": discounts.find_public_id(session, shop_id, campaign.discount_set_id),
        "excluded_segment_ids": [
            excluded[each] for each in campaign.excluded_segment_ids if each in excluded
        ],
        "origin": schemas.Origin(kind=campaign.origin_kind, campaign_id=origin and origin.public_id)  # type: ignore[arg-type]  # a CHECK holds it
        if campaign.origin_kind
        else None,
        "tested": campaign.test is not None,
    }
    values = {field: getattr(campaign, field) for field in schemas.Campaign.model_fields if field not in own}
    return schemas.Campaign.model_validate({**values, **own})


def campaign_rows(
    session: Session, shop_id: ShopId, state: Collection[str], cursor: str | None, *, limit: int | None = None
) -> Page[schemas.CampaignFacts]:
    """A page of campaigns, newest first, at most `PAGE` of them without a ``limit``."""
    limit = limit or PAGE
    after = _read_cursor(cursor) if cursor else None
    found = repository.list_newest(session, shop_id, sorted(state), after, limit + 1)
    shown = found[:limit]
    # Before its audience is frozen nobody has got a campaign.
    frozen = [campaign.id for campaign in shown if campaign.frozen_at is not None]
    sent = ledger_repository.accepted_counts(session, shop_id, frozen) if frozen else {}
    used = sorted({campaign.segment_id for campaign in shown if campaign.segment_id})
    names = segments.names(session, shop_id, used) if used else {}
    items = [
        schemas.CampaignFacts(
            internal_id=campaign.id,
            id=campaign.public_id,
            name=campaign.name,
            state=campaign.state,
            subject=campaign.subject,
            segment_name=names.get(campaign.segment_id) if campaign.segment_id else None,
            scheduled_at=campaign.scheduled_at,
            started_at=campaign.started_at,
            finished_at=campaign.finished_at,
            audience_size=campaign.audience_size,
            sent=sent.get(campaign.id, 0),
        )
        for campaign in shown
    ]
    more = len(found) > limit
    return Page(items=items, next_cursor=encode_cursor(shown[-1].created_at, shown[-1].id) if more else None)


def delivery_report(session: Session, shop_id: ShopId, campaign_id: str) -> schemas.DeliveryReport:
    """What the ledger says: counts, who is left out and who waits and why, links."""
    campaign = get(session, shop_id, campaign_id)
    rows = ledger_repository.counts(session, shop_id, campaign) if campaign.frozen_at else []
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + row.people
    pending = counts.get("pending", 0)
    rate = _rate(campaign, counts)
    return schemas.DeliveryReport(
        id=campaign.id,
        public_id=campaign.public_id,
        subject=campaign.subject,
        state=campaign.state,  # type: ignore[arg-type]  # a CHECK holds it to these values
        name=campaign.name,
        counts=schemas.DeliveryCounts(
            audience=sum(counts.values()),
            pending=pending,
            accepted=counts.get("accepted", 0),
            failed=counts.get("failed", 0),
            unknown=counts.get("unknown", 0),
            excluded=counts.get("excluded", 0),
        ),
        rate_per_s=rate,
        eta_s=round(pending / rate, 1) if rate and pending and campaign.state == "sending" else None,
        waiting=[
            schemas.Waiting(reason=reason, count=count, next_at=next_at)
            for reason, count, next_at in (
                ledger_repository.counts_waiting(session, shop_id, campaign) if campaign.frozen_at else []
            )
        ],
        exclusions=[
            schemas.Exclusion(reason=row.reason or "", count=row.people)
            for row in rows
            if row.state == "excluded"
        ],
        links=[
            schemas.LinkRow(number=row.number, url=row.url, personal=row.personal)
            for row in repository.list_links(session, shop_id, campaign.id)
        ],
        codes=leases.report(session, shop_id, campaign),
        frozen_at=campaign.frozen_at,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        pause_reason=campaign.pause_reason,
    )


def links_of(session: Session, shop_id: ShopId, campaign: Campaign) -> dict[int, str]:
    """Where the links of a frozen campaign lead, by number."""
    return {row.number: row.url for row in repository.list_links(session, shop_id, campaign.id)}


def recipient_rows(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    *,
    state: str | None = None,
    search: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[schemas.RecipientFacts]:
    """A page of a frozen audience, in the order in which it is sent, at most `PAGE` long without a ``limit``.

    ``search`` is the beginning of names or of an address; a whole address also finds who had it at the freeze.
    """
    limit = limit or PAGE
    if campaign.frozen_at is None:
        return Page(items=[])
    after_id = decode_id_cursor(cursor) or 0
    customer_ids = _found_by(session, shop_id, campaign, search) if search else None
    found = ledger_repository.list_recipients(
        session, shop_id, campaign, state, customer_ids, after_id, limit + 1
    )
    claims = claims_repository.leases(session, shop_id, campaign.id)
    items = [_recipient(row, claims) for row in found[:limit]]
    return Page(items=items, next_cursor=encode_cursor(found[limit - 1].id) if len(found) > limit else None)


def recipient(
    session: Session, shop_id: ShopId, campaign: Campaign, customer_id: str
) -> schemas.RecipientFacts:
    """One person of a frozen audience; raises CustomerUnknown for anybody else."""
    customer = customers.get(session, shop_id, customer_id)
    found = (
        ledger_repository.find_recipient(session, shop_id, campaign, customer.id)
        if campaign.frozen_at
        else None
    )
    if found is None:
        raise CustomerUnknown
    return _recipient(found, claims_repository.leases(session, shop_id, campaign.id))


def _found_by(session: Session, shop_id: ShopId, campaign: Campaign, search: str) -> list[int]:
    found = customers.find_ids(session, shop_id, search, FOUND_AT_MOST)
    if "@" in search and len(found) < FOUND_AT_MOST:
        written_to = ledger_repository.find_customers_written_to(
            session, shop_id, campaign, search.strip(), FOUND_AT_MOST
        )
        found = sorted({*found, *written_to})
    return found


def _recipient(row: MessageDelivery, claims: Mapping[int, datetime]) -> schemas.RecipientFacts:
    """``claimed`` is shown of a row that is being handed over, until its claim's lease ends."""
    claimed = row.state == "pending" and row.id in claims
    until = claims[row.id] if claimed else row.lease_until if row.lease_until != HELD_UNTIL else None
    return schemas.RecipientFacts(
        delivery_id=row.id,
        customer_id=row.customer_id,
        email=row.email,
        state="claimed" if claimed else row.state,
        reason=row.reason,
        attempts=row.attempts + claimed,
        frozen_at=row.frozen_at,
        until=until,
        accepted_at=row.accepted_at,
        message_id=row.message_id,
        code=row.smtp_code,
        reply=f"{row.smtp_code} {row.smtp_reply}" if row.smtp_code else row.smtp_reply,
        variant=row.variant,
        due_at=until if row.state == "pending" and not claimed else None,
    )


def _rate(campaign: Campaign, counts: dict[str, int]) -> float | None:
    if campaign.frozen_at is None or not counts.get("accepted"):
        return None
    seconds = ((campaign.finished_at or utcnow()) - campaign.frozen_at).total_seconds()
    return round(counts["accepted"] / max(seconds, 0.001), 1)


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    at, internal_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(at), int(internal_id)
    except (TypeError, ValueError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None
