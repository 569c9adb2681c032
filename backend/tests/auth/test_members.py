"""Members and roles: who may change whom, that a shop keeps an owner, and that a change holds at once."""

import threading
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from storecast.audit.models import AuditEntry
from storecast.auth import members, service
from storecast.auth.errors import LastOwner
from storecast.auth.models import ShopMember
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.cli import main
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shopify.oauth import Staff
from storecast.shops.access import Principal, Role
from storecast.shops.models import Shop
from tests.conftest import OWNER_ID, id_token

IDS: dict[Role, str] = {"owner": OWNER_ID, "admin": "21", "marketer": "22", "viewer": "23", "operator": "24"}


def add(shop: Shop, user_id: str, role: Role, **columns: object) -> None:
    with platform_session() as session:
        session.add(
            ShopMember(
                shop_id=shop.id, shopify_user_id=user_id, email=f"{user_id}@acme.example", name=f"N{user_id}",
                role=role, last_seen_at=utcnow(), **columns,
            )
        )  # fmt: skip


def headers(shop: Shop, user_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {id_token(shop.domain, user_id=user_id)}"}


def member(shop: Shop, user_id: str) -> ShopMember:
    with platform_session() as session:
        return session.scalars(
            select(ShopMember).where(ShopMember.shop_id == shop.id, ShopMember.shopify_user_id == user_id)
        ).one()


def audited(shop: Shop) -> list[tuple[str, str, str]]:
    with platform_session() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.shop_id == shop.id).order_by(AuditEntry.id)
        )
        return [(entry.actor, entry.action, entry.subject) for entry in entries]


@pytest.fixture
def staff(shop: Shop) -> Shop:
    """The shop with one person of every role beside its owner."""
    for role, user_id in IDS.items():
        if role != "owner":
            add(shop, user_id, role)
    return shop


def change(client: TestClient, shop: Shop, by: Role, whom: Role, **body: object) -> tuple[int, str | None]:
    answer = client.patch(f"/api/v1/members/{IDS[whom]}", headers=headers(shop, IDS[by]), json=body)
    return answer.status_code, answer.json().get("code")


def test_the_list_names_everybody_and_who_may_come_in_first(client: TestClient, staff: Shop) -> None:
    add(staff, "30", "admin", removed_at=utcnow())
    items = client.get("/api/v1/members", headers=headers(staff, OWNER_ID)).json()["items"]

    assert {(item["id"], item["role"], item["active"]) for item in items[:-1]} == {
        (user_id, role, True) for role, user_id in IDS.items()
    }
    assert (items[-1]["id"], items[-1]["active"]) == ("30", False)
    assert set(items[0]) == {"id", "name", "email", "role", "active", "account_owner", "last_seen_at"}


def test_a_new_role_holds_from_the_next_request_on_and_is_audited(client: TestClient, staff: Shop) -> None:
    path = "/api/v1/members"
    assert client.get(path, headers=headers(staff, IDS["marketer"])).status_code == 403

    assert change(client, staff, "owner", "marketer", role="admin") == (200, None)

    assert client.get(path, headers=headers(staff, IDS["marketer"])).status_code == 200
    assert audited(staff) == [(f"user:{OWNER_ID}", "member.role_changed", f"member:{IDS['marketer']}")]


REFUSED: list[tuple[Role, Role, dict[str, object], tuple[int, str]]] = [
    ("admin", "owner", {"role": "viewer"}, (403, "above_you")),
    ("admin", "owner", {"active": False}, (403, "above_you")),
    ("admin", "viewer", {"role": "owner"}, (403, "above_you")),
    ("admin", "admin", {"role": "owner"}, (403, "above_you")),
    ("owner", "viewer", {"role": "operator"}, (403, "platform_role")),
    ("owner", "operator", {"role": "viewer"}, (403, "platform_role")),
    ("owner", "operator", {"active": False}, (403, "platform_role")),
    ("owner", "owner", {"role": "admin"}, (409, "last_owner")),
    ("owner", "owner", {"active": False}, (409, "own_membership")),
    ("marketer", "viewer", {"role": "marketer"}, (403, "forbidden")),
    ("owner", "viewer", {"role": "emperor"}, (422, "invalid")),
    ("owner", "viewer", {"rank": 1}, (422, "invalid")),
]


def test_what_is_refused_changes_nothing(client: TestClient, staff: Shop) -> None:
    for by, whom, body, refused in REFUSED:
        assert change(client, staff, by, whom, **body) == refused, (by, whom, body)
        assert (member(staff, IDS[whom]).role, member(staff, IDS[whom]).removed_at) == (whom, None)
    assert audited(staff) == []


def test_an_owner_may_go_when_another_stays(client: TestClient, staff: Shop) -> None:
    assert change(client, staff, "owner", "admin", role="owner") == (200, None)
    assert change(client, staff, "owner", "owner", role="viewer") == (200, None)
    assert member(staff, OWNER_ID).role == "viewer"


def test_whom_shopify_names_the_accounts_owner_stays_one(client: TestClient, staff: Shop) -> None:
    add(staff, "40", "owner", account_owner=True)
    for body in ({"role": "viewer"}, {"active": False}):
        answer = client.patch("/api/v1/members/40", headers=headers(staff, OWNER_ID), json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "account_owner")
    assert (member(staff, "40").role, member(staff, "40").removed_at) == ("owner", None)


def test_of_two_owners_who_demote_each_other_at_once_one_stays(shop: Shop) -> None:
    add(shop, "40", "owner")
    both = threading.Barrier(2)
    refused: list[str] = []

    def demote(actor: str, whom: str) -> None:
        principal = Principal(ShopId(shop.id), shop.domain, actor, "", None, "owner", "embedded")
        with tenant_session(ShopId(shop.id)) as session:
            both.wait()
            try:
                members.change(session, principal, whom, role="viewer", active=None)
            except LastOwner:
                refused.append(actor)

    threads = [threading.Thread(target=demote, args=pair) for pair in ((OWNER_ID, "40"), ("40", OWNER_ID))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert sorted([member(shop, OWNER_ID).role, member(shop, "40").role]) == ["owner", "viewer"]


def test_a_removed_member_is_out_at_once_and_can_be_let_in_again(client: TestClient, staff: Shop) -> None:
    owner, path = headers(staff, OWNER_ID), f"/api/v1/members/{IDS['admin']}"
    assert client.delete(path, headers=owner).status_code == 204

    out = client.get("/api/v1/session", headers=headers(staff, IDS["admin"]))
    assert (out.status_code, out.json()["code"]) == (403, "member_removed")

    assert client.patch(path, headers=owner, json={"active": True}).json()["active"] is True
    assert client.get("/api/v1/session", headers=headers(staff, IDS["admin"])).status_code == 200
    assert [action for _actor, action, _subject in audited(staff)] == ["member.removed", "member.restored"]


def test_the_neighbours_members_are_not_there(client: TestClient, staff: Shop, other_shop: Shop) -> None:
    thief = headers(other_shop, OWNER_ID)
    for answer in (
        client.patch(f"/api/v1/members/{IDS['viewer']}", headers=thief, json={"role": "admin"}),
        client.delete(f"/api/v1/members/{IDS['viewer']}", headers=thief),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "member_unknown")
    assert (member(staff, IDS["viewer"]).role, member(staff, IDS["viewer"]).removed_at) == ("viewer", None)


def test_shopify_says_who_begins_as_what(shop: Shop) -> None:
    begins = {
        (True, False): "owner",
        (False, False): "admin",
        (False, True): "marketer",
        (True, True): "owner",
    }
    for number, ((account_owner, collaborator), role) in enumerate(begins.items(), start=50):
        person = Staff(str(number), "fifty@acme.example", "Fifty", account_owner, collaborator)
        assert service.accept_staff(shop.domain, person).role == role
        assert member(shop, str(number)).account_owner is account_owner


def test_signing_in_again_keeps_the_role_that_people_gave(shop: Shop) -> None:
    person = Staff("50", "fifty@acme.example", "Fifty", account_owner=False)
    service.accept_staff(shop.domain, person)
    with tenant_session(ShopId(shop.id)) as session:
        members.assign(session, ShopId(shop.id), "cli:test", "50", "viewer")
    assert service.accept_staff(shop.domain, person).role == "viewer"


def test_who_was_let_in_unknown_gets_the_right_role_when_shopify_names_them(shop: Shop) -> None:
    add(shop, "50", "admin")
    with platform_session() as session:
        session.scalars(select(ShopMember).where(ShopMember.shopify_user_id == "50")).one().email = ""
    outsider = Staff("50", "agency@example.com", "Agency", account_owner=False, collaborator=True)
    assert service.accept_staff(shop.domain, outsider).role == "marketer"


def test_the_accounts_new_owner_comes_back_in_and_owns_the_shop(shop: Shop) -> None:
    add(shop, "50", "viewer", removed_at=utcnow())
    principal = service.accept_staff(shop.domain, Staff("50", "f@acme.example", "Fifty", account_owner=True))
    assert (principal.role, member(shop, "50").removed_at) == ("owner", None)


def test_an_operator_stays_one_when_they_own_the_account(shop: Shop) -> None:
    add(shop, "50", "operator")
    assert (
        service.accept_staff(shop.domain, Staff("50", "f@x.example", "Op", account_owner=True)).role
        == "operator"
    )


@pytest.fixture
def command(database: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["members", *words])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def test_the_command_line_gives_any_role(staff: Shop, command: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _err = command("role", staff.domain, IDS["viewer"], "operator")
    assert (code, "operator" in out) == (0, True)
    assert member(staff, IDS["viewer"]).role == "operator"
    ((actor, action, subject),) = audited(staff)
    assert (actor.startswith("cli:"), action, subject) == (
        True,
        "member.role_changed",
        f"member:{IDS['viewer']}",
    )


def test_the_command_line_keeps_an_owner_and_names_what_it_does_not_find(
    staff: Shop, command: Callable[..., tuple[int, str, str]]
) -> None:
    assert "last_owner" in command("role", staff.domain, OWNER_ID, "operator")[2]
    assert "member_unknown" in command("role", staff.domain, "999", "admin")[2]
    assert "shop_unknown" in command("role", "nobody.myshopify.com", OWNER_ID, "admin")[2]
    assert member(staff, OWNER_ID).role == "owner"
    code, out, _err = command("list", staff.domain)
    assert (code, {line.split()[0] for line in out.splitlines()[1:]}) == (0, set(IDS.values()))
