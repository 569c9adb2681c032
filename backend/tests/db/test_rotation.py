"""Keys rotate while the app runs: every sealed column, nothing lost, nothing destroyed that nobody can open."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import LargeBinary, event, select, text, update
from sqlalchemy.orm import ORMExecuteState, Session

import storecast
from storecast.auth.models import IdempotencyKey
from storecast.config.settings import get_settings
from storecast.db import rotation
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints import cli
from storecast.entrypoints.metadata import load_models
from storecast.fleet.models import AlertChannel
from storecast.kit.clock import utcnow
from storecast.kit.sealing import Sealer
from storecast.kit.types import ShopId
from storecast.messaging.models import DkimKeyPair, SendingChannel, SendingDomain
from storecast.privacy.models import PrivacyRequest
from storecast.shopify.oauth import Grant
from storecast.shops import tokens
from storecast.shops.models import Shop, ShopToken
from storecast.shops.tokens import Sealed
from storecast.webhooks.models import ErasureKey
from tests.conftest import ENVIRONMENT

OLD = ENVIRONMENT["APP_SECRET_KEY"]
NEW = "the newest key of this installation, 44 chars"

PLAIN = {
    ("api_keys", "secret_hash"),
    ("audit_log", "prev_hash"),
    ("audit_log", "hash"),
    ("audit_log", "content_digest"),
    ("audit_log", "salt"),
    ("erased_objects", "digest"),
    ("idempotency_keys", "body_hash"),
    ("message_returns", "email_digest"),
    ("message_returns", "event_key"),
    ("privacy_archives", "body"),
    ("suppressions", "email_digest"),
    ("webhook_inbox", "body"),
}
"""Binary columns that no key of ours seals: hashes, what Shopify sent, archives under a passphrase of their own."""


@pytest.fixture
def sealed_rows(shop: Shop, other_shop: Shop) -> None:
    """Tokens of two shops and an alert channel, all under the old key."""
    for each, name in ((shop, "one"), (other_shop, "two")):
        grant = Grant(f"shpat_{name}", f"shprt_{name}", (), None, utcnow() + timedelta(days=90))
        with platform_session() as session:
            tokens.store(session, ShopId(each.id), grant)
    seal = Sealer([OLD], AlertChannel.sealed.purpose).seal
    with platform_session() as session:
        session.add(
            AlertChannel(
                shop_id=None, kind="webhook", title="Pager", created_by="cli:me",
                target=seal(0, "https://pager.example/"), secret=seal(0, "whsec_1"),
            )
        )  # fmt: skip
        session.add(
            PrivacyRequest(
                shop_id=shop.id, shop_domain=shop.domain, webhook_id="app:1", kind="data_request",
                due_at=utcnow(), received_at=utcnow(),
                passphrase=Sealer([OLD], PrivacyRequest.sealed.purpose).seal(shop.id, "four words"),
            )
        )  # fmt: skip
    with tenant_session(ShopId(shop.id)) as session:
        domain = SendingDomain(shop_id=shop.id, public_id="dom_1", domain="acme.example")
        session.add(domain)
        session.flush()
        seal_key = Sealer([OLD], DkimKeyPair.sealed.purpose).seal
        session.add(
            DkimKeyPair(
                shop_id=shop.id, domain_id=domain.id, number=1, rsa_record="", ed25519_record="",
                rsa_private=seal_key(shop.id, "rsa"), ed25519_private=seal_key(shop.id, "ed25519"),
            )
        )  # fmt: skip
        session.add(
            SendingChannel(
                shop_id=shop.id, public_id="chn_1", kind="postmark", title="Postmark", position=0, connections=1,
                secret=Sealer([OLD], SendingChannel.sealed.purpose).seal(shop.id, "token"),
                returns_secret=Sealer([OLD], SendingChannel.sealed.purpose).seal(shop.id, "password"),
            )
        )  # fmt: skip
        session.add(
            ErasureKey(shop_id=shop.id, key=Sealer([OLD], ErasureKey.sealed.purpose).seal(shop.id, "00" * 32))
        )
        session.add(
            IdempotencyKey(
                shop_id=shop.id, caller="7", route="/api/v1/segments", key="k", body_hash=b"", status=201,
                answer=Sealer([OLD], IdempotencyKey.sealed.purpose).seal(shop.id, "{}"), created_at=utcnow(),
            )
        )  # fmt: skip


def rotate(*secrets: str, dry_run: bool = False) -> dict[str, rotation.ColumnReport]:
    reports = rotation.rotate(platform_session, load_models(), secrets, dry_run=dry_run)
    return {f"{report.table}.{report.column}": report for report in reports}


def ciphertexts() -> dict[str, list[bytes]]:
    """Every stored ciphertext by column."""
    with platform_session() as session:
        return {
            f"{model.__tablename__}.{column}": list(
                session.scalars(select(getattr(model, column)).where(getattr(model, column).is_not(None)))
            )
            for model, sealed in rotation.sealed_models(load_models())
            for column in sealed.columns
        }


def test_every_binary_column_is_declared_as_sealed_or_known_to_be_plain() -> None:
    binary = {
        (table.name, column.name)
        for table in load_models().metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {
        (model.__tablename__, column)
        for model, declared in rotation.sealed_models(load_models())
        for column in declared.columns
    }
    assert binary == sealed | PLAIN
    assert not sealed & PLAIN


def test_whatever_seals_says_so_beside_its_model() -> None:
    sources = [path.read_text() for path in Path(storecast.__file__).parent.rglob("*.py")]
    purposes = {found for source in sources for found in re.findall(r"\bSealer\([^)]*?, *([^)]+)\)", source)}
    declared = {
        f"{model.__name__}.sealed.purpose" for model, _sealed in rotation.sealed_models(load_models())
    }
    # The rotation itself makes one for every declaration.
    assert purposes == declared | {"sealed.purpose"}


def test_the_role_that_rotates_may_read_and_write_every_sealed_table(platform: Session) -> None:
    for model, _sealed in rotation.sealed_models(load_models()):
        for privilege in ("SELECT", "UPDATE"):
            query = text("SELECT has_table_privilege(:table, :privilege)")
            assert platform.scalar(query, {"table": model.__tablename__, "privilege": privilege}), model


def test_after_a_rotation_everything_opens_with_the_newest_key_alone(sealed_rows: None, shop: Shop) -> None:
    reports = rotate(NEW, OLD)
    assert {name: (report.old, report.rotated, report.left) for name, report in reports.items()} == {
        "alert_channels.target": (1, 1, 0),
        "alert_channels.secret": (1, 1, 0),
        "erasure_keys.key": (1, 1, 0),
        "dkim_keys.ed25519_private": (1, 1, 0),
        "dkim_keys.rsa_private": (1, 1, 0),
        "idempotency_keys.answer": (1, 1, 0),
        "privacy_requests.passphrase": (1, 1, 0),
        "sending_channels.secret": (1, 1, 0),
        "sending_channels.returns_secret": (1, 1, 0),
        "shop_tokens.access_token": (2, 2, 0),
        "shop_tokens.refresh_token": (2, 2, 0),
    }
    again = rotate(NEW)
    assert {report.newest for report in again.values()} == {1, 2}
    assert all(report.old == 0 and report.unknown == [] for report in again.values())
    with platform_session() as session:
        token = session.scalars(select(ShopToken).where(ShopToken.shop_id == shop.id)).one()
        assert Sealed([NEW]).open(ShopId(shop.id), token.access_token) == "shpat_one"
        channel = session.scalars(select(AlertChannel)).one()
        assert Sealer([NEW], AlertChannel.sealed.purpose).open(0, channel.target) == "https://pager.example/"


def test_a_dry_run_counts_and_writes_nothing(sealed_rows: None) -> None:
    before = ciphertexts()
    reports = rotate(NEW, OLD, dry_run=True)
    assert {report.left for report in reports.values()} == {1, 2}
    assert ciphertexts() == before


def test_what_no_key_opens_is_told_and_left_as_it_is(sealed_rows: None, shop: Shop) -> None:
    foreign = Sealed(["a key that is gone"]).seal(ShopId(shop.id), "shpat_lost")
    with platform_session() as session:
        session.execute(update(ShopToken).where(ShopToken.shop_id == shop.id).values(access_token=foreign))
    report = rotate(NEW, OLD)["shop_tokens.access_token"]
    assert (report.unknown, report.rotated) == ([str(shop.id)], 1)
    assert foreign in ciphertexts()["shop_tokens.access_token"]


def test_a_renewal_between_the_look_and_the_write_keeps_its_tokens(sealed_rows: None, shop: Shop) -> None:
    renewed = Sealed([NEW, OLD]).seal(ShopId(shop.id), "shpat_renewed")
    done: list[bool] = []

    @contextmanager
    def overtaken() -> Iterator[Session]:
        with platform_session() as session:

            @event.listens_for(session, "do_orm_execute")
            def overtake(state: ORMExecuteState) -> None:
                if state.is_update and not done and "shop_tokens" in str(state.statement):
                    done.append(True)
                    with platform_session() as other:
                        other.execute(
                            text("UPDATE shop_tokens SET access_token = :new WHERE shop_id = :shop"),
                            {"new": renewed, "shop": shop.id},
                        )

            yield session

    reports = {
        f"{report.table}.{report.column}": report
        for report in rotation.rotate(overtaken, load_models(), [NEW, OLD])
    }
    report = reports["shop_tokens.access_token"]
    assert (report.rotated, report.overtaken, report.left) == (1, 1, 0)
    assert renewed in ciphertexts()["shop_tokens.access_token"]
    assert all(report.old == 0 and not report.unknown for report in rotate(NEW).values())


def test_many_rows_take_many_batches_and_a_killed_run_is_run_again(sealed_rows: None) -> None:
    batches = 0

    class Killed(Exception):
        pass

    @contextmanager
    def killed() -> Iterator[Session]:
        nonlocal batches
        batches += 1
        if batches == 4:
            raise Killed
        with platform_session() as session:
            yield session

    with pytest.raises(Killed):
        list(rotation.rotate(killed, load_models(), [NEW, OLD], batch=1))
    assert sum(report.rotated for report in rotate(NEW, OLD).values()) == 13 - 2
    assert all(report.old == 0 and not report.unknown for report in rotate(NEW).values())


def test_the_command_reports_and_ends_well_only_when_the_old_key_may_go(
    sealed_rows: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APP_SECRET_KEY", NEW)
    monkeypatch.setenv("APP_SECRET_KEY_OLD", OLD)
    get_settings.cache_clear()
    assert cli.main(["keys", "rotate", "--dry-run", "--json"]) == 1
    counted = {
        f"{row['table']}.{row['column']}": row["left"] for row in orjson.loads(capsys.readouterr().out)
    }
    assert counted["shop_tokens.access_token"] == 2
    assert cli.main(["keys", "rotate"]) == 0
    out = capsys.readouterr().out
    assert "shop_tokens" in out
    assert "shpat" not in out
    assert NEW not in out
    monkeypatch.delenv("APP_SECRET_KEY_OLD")
    get_settings.cache_clear()
    assert cli.main(["keys", "rotate", "--dry-run"]) == 0


def test_a_generated_secret_is_long_and_never_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "generate"]) == 0
    assert cli.main(["keys", "generate"]) == 0
    one, two = capsys.readouterr().out.split()
    assert one != two
    assert len(one) == 64
