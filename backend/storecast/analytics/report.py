"""What became of a campaign: the ledger's part, with what people did and what it earned.

What machines did is never part of a rate and never hidden: it stands beside.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from storecast.analytics import report_repository, report_schemas, repository
from storecast.analytics.report_repository import AnyRow, Touched
from storecast.analytics.repository import Sum
from storecast.campaigns import reading as campaigns
from storecast.campaigns import variants
from storecast.campaigns.schemas import DeliveryReport, RecipientFacts
from storecast.customers import service as customers
from storecast.customers.schemas import CustomerRow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.money import Money
from storecast.kit.pages import Page
from storecast.kit.types import ShopId
from storecast.segments import service as segments
from storecast.shops import service as shops

DOMAINS_SHOWN = 20
ERRORS_SHOWN = 30

COMPARED = range(2, 6)
"""How many campaigns fit side by side."""

_STEPS: tuple[Literal["sent", "delivered", "opened", "clicked", "ordered"], ...] = (
    "sent",
    "delivered",
    "opened",
    "clicked",
    "ordered",
)
_NOTHING = Sum(0, 0)
_UNTOUCHED = Touched()


def read(session: Session, shop_id: ShopId, campaign_id: str) -> report_schemas.Report:
    """The report of one campaign; raises CampaignUnknown."""
    ledger = campaigns.delivery_report(session, shop_id, campaign_id)
    currency = shops.get_currency(session, shop_id)
    figures = _figures(session, shop_id, currency, [ledger])[ledger.id]
    clicks = (
        report_repository.link_clicks(session, shop_id, ledger.id, ledger.frozen_at)
        if ledger.frozen_at
        else {}
    )
    return report_schemas.Report(
        state=ledger.state,
        counts=report_schemas.Counts(**ledger.counts.model_dump()),
        rate_per_s=ledger.rate_per_s,
        eta_s=ledger.eta_s,
        funnel=[
            report_schemas.FunnelStep(step=step, people=getattr(figures, step))
            for step in _STEPS
        ],
        opens=figures.opens,
        clicks=figures.clicks,
        bounced=figures.bounced,
        complained=figures.complained,
        unsubscribed=figures.unsubscribed,
        orders=figures.orders,
        revenue=figures.revenue,
        revenue_over_time=[
            report_schemas.RevenuePoint(at=at, amount_minor=amount)
            for at, amount in report_repository.credited_by_hour(session, shop_id, currency, ledger.id)
        ],
        links=[
            report_schemas.LinkRow(
                number=link.number, url=link.url, personal=link.personal, clicks=of_people, people=people,
                machine_clicks=of_machines,
            )
            for link in ledger.links
            for of_people, people, of_machines in [clicks.get(link.number, (0, 0, 0))]
        ],
        exclusions=[
            report_schemas.ReasonCount(reason=item.reason, count=item.count) for item in ledger.exclusions
        ],
        waiting=[report_schemas.WaitingCount(**item.model_dump()) for item in ledger.waiting],
        codes=_codes(session, shop_id, ledger, currency),
        started_at=ledger.started_at,
        finished_at=ledger.finished_at,
    )  # fmt: skip


def _codes(
    session: Session, shop_id: ShopId, ledger: DeliveryReport, currency: str
) -> report_schemas.CodesReport | None:
    if ledger.codes is None:
        return None
    redeemed, amount = repository.redemptions(session, shop_id, currency, ledger.id)
    return report_schemas.CodesReport(
        **ledger.codes.model_dump(),
        redeemed=redeemed,
        revenue=Money(amount_minor=amount, currency=currency),
    )


def compare(session: Session, shop_id: ShopId, campaign_ids: Sequence[str]) -> report_schemas.Comparison:
    """Campaigns side by side; raises Invalid for too few or many, CampaignUnknown."""
    wanted = list(dict.fromkeys(campaign_ids))
    if len(wanted) not in COMPARED:
        fault = FieldError(
            "/campaign_id", f"Name {COMPARED.start} to {COMPARED.stop - 1} campaigns.", "campaigns_compared"
        )
        raise Invalid("So many campaigns cannot be compared.", errors=[fault])
    ledgers = [campaigns.delivery_report(session, shop_id, campaign_id) for campaign_id in wanted]
    figures = _figures(session, shop_id, shops.get_currency(session, shop_id), ledgers)
    return report_schemas.Comparison(campaigns=[figures[ledger.id] for ledger in ledgers])


def _figures(
    session: Session, shop_id: ShopId, currency: str, ledgers: Collection[DeliveryReport]
) -> dict[int, report_schemas.ComparedCampaign]:
    """The figures of these campaigns: as many queries for one as for all."""
    frozen = {ledger.id: ledger.frozen_at for ledger in ledgers if ledger.frozen_at is not None}
    since = min(frozen.values(), default=None)
    touched = report_repository.touched(session, shop_id, frozen, since) if since else {}
    bounced = [campaign_id for campaign_id, people in touched.items() if people.bounced]
    came_back = report_repository.came_back(session, shop_id, bounced, since) if since and bounced else {}
    earned = repository.attributed_by_campaign(session, shop_id, currency, campaign_ids=frozen)
    ordered = report_repository.credited_people(session, shop_id, frozen)
    return {
        ledger.id: _compared(
            ledger,
            touched.get(ledger.id, _UNTOUCHED),
            came_back=came_back.get(ledger.id, 0),
            earned=earned.get(ledger.id, _NOTHING),
            ordered=ordered.get(ledger.id, 0),
            currency=currency,
        )
        for ledger in ledgers
    }


def _compared(
    ledger: DeliveryReport, touched: Touched, *, came_back: int, earned: Sum, ordered: int, currency: str
) -> report_schemas.ComparedCampaign:
    return report_schemas.ComparedCampaign(
        id=ledger.public_id,
        name=ledger.name,
        state=ledger.state,
        subject=ledger.subject,
        started_at=ledger.started_at,
        audience=ledger.counts.audience,
        sent=ledger.counts.accepted,
        delivered=ledger.counts.accepted - came_back,
        opened=touched.opened,
        clicked=touched.clicked,
        ordered=ordered,
        bounced=came_back,
        complained=touched.complained,
        unsubscribed=touched.unsubscribed,
        opens=_by_verdict(touched, "open", touched.only_machine_opened),
        clicks=_by_verdict(touched, "click", touched.only_machine_clicked),
        orders=earned.orders,
        revenue=Money(amount_minor=earned.amount_minor, currency=currency),
    )


def _by_verdict(touched: Touched, kind: str, machine_only: int) -> report_schemas.ByVerdict:
    counts = {verdict: touched.events.get((kind, verdict), 0) for verdict in report_repository.VERDICTS}
    return report_schemas.ByVerdict(**counts, machine_only=machine_only)


def versions(session: Session, shop_id: ShopId, campaign_id: str) -> list[report_schemas.VersionRow]:
    """What became of each version; empty for a campaign of one version or before its freeze."""
    campaign = campaigns.get(session, shop_id, campaign_id)
    names = variants.names(session, shop_id, campaign)
    if campaign.frozen_at is None or len(names) == 1:
        return []
    currency = shops.get_currency(session, shop_id)
    earned = repository.earned_by_delivery(shop_id, campaign.id, currency)
    rows = report_repository.versions(session, shop_id, campaign.id, campaign.frozen_at, earned)
    found = {row.number: row._asdict() for row in rows}
    return [
        report_schemas.VersionRow.model_validate(
            dict.fromkeys(_VERSION_FIGURES, 0)
            | figures
            | name.model_dump()
            | {"revenue": Money(amount_minor=int(figures.get("amount_minor", 0)), currency=currency)}
        )
        for number, name in names.items()
        for figures in [found.get(number, {})]
    ]


_VERSION_FIGURES = (
    *("recipients", "sent", "delivered", "opened", "clicked", "only_machine_opened"),
    *("ordered", "orders", "unsubscribed", "bounced", "complained"),
)


def deliverability(session: Session, shop_id: ShopId, campaign_id: str) -> report_schemas.Deliverability:
    """How the mail got on, by receiving domain and by what servers said. Reads the whole audience."""
    campaign = campaigns.get(session, shop_id, campaign_id)
    if campaign.frozen_at is None:
        return report_schemas.Deliverability(domains=[], errors=[])
    of_campaign = (session, shop_id, campaign.id, campaign.frozen_at)
    return report_schemas.Deliverability(
        domains=[
            report_schemas.DomainRow.model_validate(row, from_attributes=True)
            for row in report_repository.domains(*of_campaign, DOMAINS_SHOWN)
        ],
        errors=[
            report_schemas.ErrorRow(
                state=row.state,
                reason=row.reason,
                code=row.code,
                enhanced=row.enhanced,
                text=row.text,
                count=row.people,
            )
            for row in report_repository.errors(*of_campaign, ERRORS_SHOWN)
        ],
    )


def list_recipients(
    session: Session,
    shop_id: ShopId,
    campaign_id: str,
    *,
    state: str | None = None,
    search: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[report_schemas.Recipient]:
    """The people of an audience, each with what they did and what they bought."""
    campaign = campaigns.get(session, shop_id, campaign_id)
    page = campaigns.recipient_rows(
        session, shop_id, campaign, state=state, search=search, cursor=cursor, limit=limit
    )
    if campaign.frozen_at is None or not page.items:
        return Page(items=[])
    deliveries = [item.delivery_id for item in page.items]
    urls = campaigns.links_of(session, shop_id, campaign)
    events: dict[int, list[report_schemas.RecipientEvent]] = {}
    for row in report_repository.history(session, shop_id, campaign.id, deliveries, campaign.frozen_at):
        event = report_schemas.RecipientEvent(
            kind=row.kind, at=row.occurred_at, verdict=row.verdict, url=urls.get(row.link_number)
        )
        events.setdefault(row.delivery_id, []).append(event)
    bought = report_repository.credited_orders(session, shop_id, campaign.id, deliveries)
    first_order = {row.delivery_id: row for row in reversed(bought)}
    currency = shops.get_currency(session, shop_id)
    people = customers.rows_by_id(session, shop_id, [item.customer_id for item in page.items])
    items = [
        report_schemas.Recipient(
            customer=people.get(item.customer_id, _erased(currency)),
            state=item.state,
            reason=item.reason,
            attempts=item.attempts,
            accepted_at=item.accepted_at,
            reply=item.reply,
            variant=item.variant,
            due_at=item.due_at,
            events=events.get(item.delivery_id, []),
            order=_order(first_order[item.delivery_id]) if item.delivery_id in first_order else None,
        )
        for item in page.items
    ]
    return Page(items=items, next_cursor=page.next_cursor)


def story(session: Session, shop_id: ShopId, campaign_id: str, customer_id: str) -> report_schemas.Story:
    """The whole story of one recipient; raises CampaignUnknown or CustomerUnknown."""
    campaign = campaigns.get(session, shop_id, campaign_id)
    facts = campaigns.recipient(session, shop_id, campaign, customer_id)
    urls = campaigns.links_of(session, shop_id, campaign)
    deliveries = [facts.delivery_id]
    done = report_repository.history(session, shop_id, campaign.id, deliveries, facts.frozen_at)
    bought = report_repository.credited_orders(session, shop_id, campaign.id, deliveries)
    later = [
        *(
            report_schemas.StoryStep(
                kind=row.kind, at=row.occurred_at, verdict=row.verdict, url=urls.get(row.link_number)
            )
            for row in done
        ),
        *(
            report_schemas.StoryStep(
                kind="order",
                at=row.ordered_at,
                order=_order(row),
                credited_by=row.kind,
                touch_at=row.touch_at,
            )
            for row in bought
        ),
    ]
    (customer,) = customers.list_rows(session, shop_id, [facts.customer_id])
    return report_schemas.Story(
        customer=customer,
        email=facts.email,
        segment_name=_segment_name(session, shop_id, campaign.segment_id),
        subject=campaign.subject,
        steps=[*sending_steps(facts), *sorted(later, key=_instant)],
    )


def sending_steps(facts: RecipientFacts) -> list[report_schemas.StoryStep]:
    """What the ledger says of one message, as far as its last word: earlier refusals are a number by then."""
    frozen = report_schemas.StoryStep(kind="frozen", at=facts.frozen_at)
    again = report_schemas.StoryStep(kind="deferred", at=None, attempts=facts.attempts - 1)
    before = [frozen, again] if facts.attempts > 1 else [frozen]
    match facts.state:
        case "accepted":
            last = report_schemas.StoryStep(
                kind="accepted",
                at=facts.accepted_at,
                attempts=facts.attempts,
                reply=facts.reply,
                message_id=facts.message_id,
            )
        case "excluded":
            last = report_schemas.StoryStep(kind="excluded", at=None, reason=facts.reason)
        case "claimed":
            last = report_schemas.StoryStep(
                kind="claimed", at=None, attempts=facts.attempts, until=facts.until
            )
        case "pending" if facts.reply is not None:
            before = [frozen]
            last = report_schemas.StoryStep(
                kind="deferred",
                at=None,
                attempts=facts.attempts,
                reason=facts.reason,
                reply=facts.reply,
                until=facts.until,
            )
        case "pending":
            last = report_schemas.StoryStep(kind="waiting", at=None, reason=facts.reason, until=facts.until)
        case _:
            last = report_schemas.StoryStep(
                kind="failed" if facts.state == "failed" else "unknown",
                at=None,
                reason=facts.reason,
                attempts=facts.attempts,
                reply=facts.reply,
                message_id=facts.message_id,
            )
    return [*before, last]


def _instant(step: report_schemas.StoryStep) -> datetime:
    assert step.at is not None  # noqa: S101  # of events and orders the instant is known
    return step.at


def _segment_name(session: Session, shop_id: ShopId, segment_id: int | None) -> str | None:
    segment = segments.find_by_id(session, shop_id, segment_id) if segment_id else None
    return segment.name if segment else None


def _erased(currency: str) -> CustomerRow:
    """Stands for a person whose data was erased: the message was sent, and that is all that is known."""
    return CustomerRow(
        id="",
        name="—",
        email=None,
        email_subscription="unsubscribed",
        orders_count=0,
        total_spent=Money(amount_minor=0, currency=currency),
        last_order_at=None,
        city=None,
        country=None,
    )


def _order(row: AnyRow) -> report_schemas.RecipientOrder:
    return report_schemas.RecipientOrder(
        name=row.name, revenue=Money(amount_minor=row.amount_minor, currency=row.currency)
    )
