"""`storecast webhooks`: handle deliveries again."""

import argparse
from datetime import datetime
from typing import Any, get_args

from pydantic import ValidationError
from sqlalchemy.orm import Session

from storecast.entrypoints.commands import output
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.shops.errors import ShopUnknown
from storecast.webhooks import deliveries
from storecast.webhooks.schemas import REPLAY_CAP_MAX, DeliveryReplay, ReplayableState


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("webhooks", help="handle deliveries of webhooks again")
    actions = parser.add_subparsers(dest="action", required=True)
    replaying = actions.add_parser("replay", help="put deliveries back into the inbox")
    replaying.add_argument("ids", nargs="*", type=_number, help="of deliveries; the page of one names it")
    replaying.add_argument("--topic", help="such as orders/updated")
    replaying.add_argument(
        "--from", dest="since", type=_instant, help="received at or after (ISO 8601, with zone)"
    )
    replaying.add_argument("--to", dest="until", type=_instant, help="received before (ISO 8601, with zone)")
    replaying.add_argument(
        "--state", choices=get_args(ReplayableState), help="default: dead, and those that nobody took"
    )
    replaying.add_argument("--shop", help="only of this shop, by its myshopify.com domain")
    replaying.add_argument("--cap", type=_cap, default=1000, help="at most so many (default 1000)")
    replaying.add_argument("--dry-run", action="store_true", help="only count")
    output.add_json(replaying)
    replaying.set_defaults(run=replay)


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 2**63:
        raise argparse.ArgumentTypeError("not an id")
    return int(text)


def _cap(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= REPLAY_CAP_MAX:
        raise argparse.ArgumentTypeError(f"not a number between 1 and {REPLAY_CAP_MAX}")
    return int(text)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("not an instant in ISO 8601") from None
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant needs a time zone, such as a Z at its end")
    return instant


def replay(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    """Of all shops unless one is named; the audit log of each says who did it."""
    try:
        asked = DeliveryReplay(
            ids=arguments.ids or None,
            topic=arguments.topic,
            since=arguments.since,
            until=arguments.until,
            state=arguments.state,
            cap=arguments.cap,
            dry_run=arguments.dry_run,
        )
    except ValidationError as error:
        faults = [FieldError("", fault["msg"], fault["type"]) for fault in error.errors(include_url=False)]
        raise Invalid("Say which deliveries: ids, --topic, --from or --to.", errors=faults) from error
    answer = deliveries.replay(
        session, _shop(session, arguments.shop), asked, actor=scope.actor, now=utcnow()
    )
    if arguments.json:
        output.write_json(answer)
    else:
        output.write_facts(answer.model_dump())


def _shop(session: Session, domain: str | None) -> ShopId | None:
    if domain is None:
        return None
    shop = shops.find(session, domain)
    if shop is None:
        raise ShopUnknown
    return ShopId(shop.id)
