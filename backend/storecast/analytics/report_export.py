"""Reports as files: CSV that opens in any spreadsheet and runs nothing there."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from storecast.analytics import report
from storecast.analytics.report_schemas import Deliverability, Recipient, Report, VersionRow
from storecast.audit import access
from storecast.audit import service as audit
from storecast.campaigns import reading as campaigns
from storecast.kit import csv_rows
from storecast.kit.money import from_minor
from storecast.kit.types import ShopId
from storecast.shops.unit_of_work import UnitOfWork

CHUNK = 1_000
"""Recipients read in one transaction: some megabytes at most, however large the audience."""

RECIPIENT_COLUMNS = (
    "customer_id",
    "email",
    "name",
    "state",
    "reason",
    "attempts",
    "accepted_at",
    "reply",
    "opens",
    "clicks",
    "machine_events",
    "first_opened_at",
    "first_clicked_at",
    "unsubscribed_at",
    "bounced_at",
    "complained_at",
    "order",
    "revenue",
    "currency",
)


def begin(session: Session, shop_id: ShopId, campaign_id: str, actor: str) -> None:
    """Write down that somebody takes the recipients of a campaign with them; raises CampaignUnknown."""
    people = campaigns.delivery_report(session, shop_id, campaign_id).counts.audience
    access.note(session, shop_id, actor, "export", campaign_id, people=people)
    audit.record(session, shop_id, actor, "campaign_recipients_exported", campaign_id, people=people)


def iter_recipients(unit_of_work: UnitOfWork, shop_id: ShopId, campaign_id: str) -> Iterator[bytes]:
    """Every recipient, a chunk at a time. No transaction is open while the caller takes what it got."""
    yield csv_rows.encode([RECIPIENT_COLUMNS])
    cursor: str | None = None
    while True:
        with unit_of_work() as session:
            page = report.list_recipients(session, shop_id, campaign_id, cursor=cursor, limit=CHUNK)
        if page.items:
            yield csv_rows.encode(_recipient(item) for item in page.items)
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def _recipient(item: Recipient) -> list[str]:
    of_people = [event for event in item.events if event.verdict == "human"]
    first = {event.kind: event.at for event in reversed(item.events)}
    first_by_people = {event.kind: event.at for event in reversed(of_people)}
    revenue = item.order.revenue if item.order else None
    values = (
        item.customer.id,
        item.customer.email,
        item.customer.name,
        item.state,
        item.reason,
        item.attempts,
        item.accepted_at,
        item.reply,
        sum(event.kind == "open" for event in of_people),
        sum(event.kind == "click" for event in of_people),
        sum(event.verdict == "machine" for event in item.events),
        first_by_people.get("open"),
        first_by_people.get("click"),
        first.get("unsubscribe"),
        first.get("bounce"),
        first.get("complaint"),
        item.order.name if item.order else None,
        float(from_minor(revenue.amount_minor, revenue.currency)) if revenue else None,
        revenue.currency if revenue else None,
    )
    return [csv_rows.cell(value) for value in values]


def _name(version: VersionRow) -> str:
    """A language by its tag, the versions of a test by the letters that the pages give them."""
    return version.locale or "ABCDE"[version.number]


def figures(found: Report, delivered: Deliverability, versions: Sequence[VersionRow]) -> bytes:
    """A report's figures, one a line: section, item, metric, value. No personal data is among them."""
    rows: list[tuple[str, str, str, object]] = [
        *(("messages", "", name, value) for name, value in found.counts.model_dump().items()),
        *(("funnel", "", step.step, step.people) for step in found.funnel),
        *(("opens", "", name, value) for name, value in found.opens.model_dump().items()),
        *(("clicks", "", name, value) for name, value in found.clicks.model_dump().items()),
        *(("people", "", name, getattr(found, name)) for name in ("bounced", "complained", "unsubscribed")),
        ("revenue", found.revenue.currency, "orders", found.orders),
        (
            "revenue",
            found.revenue.currency,
            "amount",
            float(from_minor(found.revenue.amount_minor, found.revenue.currency)),
        ),
        *(
            ("version", _name(version), name, value)
            for version in versions
            for name, value in (
                *version.model_dump(exclude={"number", "locale", "subject", "from_name", "revenue"}).items(),
                ("revenue", float(from_minor(version.revenue.amount_minor, version.revenue.currency))),
            )
        ),
        *(
            ("link", f"{link.number} {link.url}", name, getattr(link, name))
            for link in found.links
            for name in ("clicks", "people", "machine_clicks")
        ),
        *(
            ("domain", domain.domain or "others", name, value)
            for domain in delivered.domains
            for name, value in domain.model_dump(exclude={"domain"}).items()
        ),
        *(("excluded", item.reason, "people", item.count) for item in found.exclusions),
        *(("waiting", item.reason, "people", item.count) for item in found.waiting),
        *(
            ("error", " ".join(filter(None, (str(row.code or ""), row.enhanced, row.text))), row.state, row.count)
            for row in delivered.errors
        ),
    ]  # fmt: skip
    header = ("section", "item", "metric", "value")
    return csv_rows.encode([header, *([csv_rows.cell(value) for value in row] for row in rows)])
