"""`storecast members`: a shop's people, and the roles that only the installation's own people may give."""

import argparse
from typing import Any, get_args

from sqlalchemy.orm import Session

from storecast.auth import members
from storecast.auth.members_routes import shown
from storecast.auth.schemas import Member
from storecast.entrypoints.commands import output
from storecast.jobs.scope import Scope
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.shops.access import Role
from storecast.shops.errors import ShopUnknown


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("members", help="list a shop's members and give them roles")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="everybody who has opened the app of a shop")
    listing.add_argument("shop", help="the shop's domain")
    output.add_json(listing)
    listing.set_defaults(run=list_members)
    giving = actions.add_parser("role", help="give a member a role, that of an operator too")
    giving.add_argument("shop", help="the shop's domain")
    giving.add_argument("member", help="the member's id")
    giving.add_argument("role", choices=get_args(Role))
    output.add_json(giving)
    giving.set_defaults(run=give_role)


def list_members(arguments: argparse.Namespace, session: Session, _scope: Scope) -> None:
    found = members.list_members(session, _shop_id(session, arguments.shop))
    _write(arguments, [shown(member) for member in found])


def give_role(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    shop_id = _shop_id(session, arguments.shop)
    member = members.assign(session, shop_id, scope.actor, arguments.member, arguments.role)
    _write(arguments, [shown(member)])


def _shop_id(session: Session, domain: str) -> ShopId:
    shop = shops.find(session, domain)
    if shop is None:
        raise ShopUnknown
    return ShopId(shop.id)


def _write(arguments: argparse.Namespace, found: list[Member]) -> None:
    if arguments.json:
        output.write_json(found)
        return
    output.write_table(
        ("ID", "ROLE", "ACTIVE", "NAME", "EMAIL", "SEEN"),
        [(each.id, each.role, each.active, each.name, each.email, each.last_seen_at) for each in found],
    )
