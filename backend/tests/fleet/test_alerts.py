"""Rules and channels through the API, looks at the figures, and messages that lose nothing."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.db.roles import Role as DatabaseRole
from storecast.db.session import engine, platform_session, tenant_session
from storecast.entrypoints.modules import register_jobs, routers
from storecast.fleet import alerting, alerts
from storecast.fleet.alert_channels import TargetRefused
from storecast.fleet.jobs import CheckAlerts, CheckShopAlerts, DeliverAlert
from storecast.fleet.models import AlertChannel, AlertEvent, AlertRule
from storecast.fleet.routes import router
from storecast.fleet.tasks import check_alerts, check_shop_alerts
from storecast.kit.clock import utcnow
from storecast.kit.errors import StorecastError
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.observability import problems
from storecast.shops.access import Principal, Role
from storecast.shops.models import Shop
from storecast.worker import outbox
from storecast.worker.ledger import Ledger
from storecast.worker.models import JobRun, OutboxJob
from storecast.worker.task import Runner
from tests.conftest import environment
from tests.factories.context import Context
from tests.fleet.webhook_receiver import WebhookReceiver, receiving

NOW = utcnow()
RULE = {"title": "Too deep", "metric": "queue_depth", "op": "above", "threshold": 2}
SHOP_RULE = {"title": "Dead", "metric": "dead_letters", "op": "above", "threshold": 0}
HOOK = {"kind": "webhook", "title": "Pager", "target": "https://hooks.example.com/x"}

As = Callable[..., TestClient]


@pytest.fixture
def sign_in(shop: Shop) -> As:
    """The API for somebody with a role, without the ceremony of signing in."""
    register_jobs()
    routers()  # endpoints end their units of work

    def client_of(role: Role, where: Shop = shop) -> TestClient:
        app = FastAPI()

        @app.middleware("http")
        async def sign(request: Request, call_next: Any) -> Any:
            request.state.principal = Principal(
                ShopId(where.id), where.domain, "1", "Ada", None, role, "browser"
            )
            return await call_next(request)

        @app.exception_handler(StorecastError)
        async def tell(_request: Request, error: StorecastError) -> Response:
            status, headers, body = problems.render(error, "r")
            return Response(body, status_code=status, headers=headers)

        @app.exception_handler(RequestValidationError)
        async def refuse(_request: Request, error: RequestValidationError) -> Response:
            return Response(json.dumps([fault["loc"] for fault in error.errors()]), status_code=422)

        app.include_router(router)
        return TestClient(app)

    return client_of


@pytest.fixture
def operator(sign_in: As) -> TestClient:
    return sign_in("operator")


@pytest.fixture
def receiver(database: str) -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver


def made(client: TestClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def stored() -> tuple[list[Any], ...]:
    """Every rule, channel and event, and how much was audited."""
    with platform_session() as session:
        return tuple(
            [tuple(row) for row in session.execute(select(model.__table__).order_by(model.id))]
            for model in (AlertRule, AlertChannel, AlertEvent, AuditEntry)
        )


def deepen(count: int) -> None:
    """Let so many jobs wait, and no others."""
    with platform_session() as session:
        session.query(OutboxJob).filter(OutboxJob.name == "tests.waits").delete()
        for _ in range(count):
            session.add(
                OutboxJob(
                    id=uuid7(), name="tests.waits", queue="bulk", args={}, state="staged", max_attempts=1
                )
            )


def events(shop: Shop | None = None) -> list[tuple[str, str | None, list[Any]]]:
    with platform_session() as session:
        found = session.scalars(
            select(AlertEvent)
            .where(AlertEvent.shop_id == (shop.id if shop else None))
            .order_by(AlertEvent.id)
        )
        return [(event.kind, event.silent, event.deliveries) for event in found]


def run_deliveries(database: str) -> list[str]:
    """Run each delivery that waits once, as a worker would; the states of those that are over."""
    with psycopg.connect(database, autocommit=True) as connection:
        rows = connection.execute(
            "UPDATE outbox SET state = 'queued' WHERE name = 'fleet.deliver_alert' RETURNING id"
        ).fetchall()
    ledgers = Ledger(database, "tests"), Ledger(database, "tests")
    try:
        Runner(*ledgers).run([row[0] for row in sorted(rows)])
    finally:
        for ledger in ledgers:
            ledger.close()
    with platform_session() as session:
        query = select(JobRun.state).where(JobRun.name == "fleet.deliver_alert").order_by(JobRun.state)
        return list(session.scalars(query))


def test_a_rule_is_watched_fires_is_told_and_calms_down(
    database: str, operator: TestClient, receiver: WebhookReceiver
) -> None:
    channel = made(operator, "/alerts/channels", {**HOOK, "target": f"{receiver.url}/secret-path"})
    body = {**RULE, "scope": {"queue": "bulk"}, "channel_ids": [channel["id"]], "for_s": 60}
    rule = made(operator, "/alerts/rules", body)
    assert (rule["state"], rule["link"], rule["unit"]) == (
        "ok",
        "/tasks?state=staged&q=queue%3Abulk",
        "jobs",
    )
    deepen(3)
    assert alerting.check(platform_session, None, now=NOW) == 0
    assert alerting.check(platform_session, None, now=NOW + timedelta(seconds=60)) == 1
    waiting = {"channel_id": channel["id"], "state": "waiting", "error": None}
    assert events() == [("fired", None, [waiting])]
    assert run_deliveries(database) == ["succeeded"]
    (post,) = receiver.posts
    told = json.loads(post.body)
    assert told["type"] == "alert.fired"
    assert told["link"] == "http://testserver/tasks?state=staged&q=queue%3Abulk"
    assert (told["data"]["value"], told["data"]["metric"], told["data"]["shop"]) == (3.0, "queue_depth", None)
    (shown,) = operator.get("/alerts/rules").json()
    assert (shown["state"], shown["last_value"]) == ("firing", 3.0)
    deepen(0)
    assert alerting.check(platform_session, None, now=NOW + timedelta(seconds=90)) == 1
    run_deliveries(database)
    assert [json.loads(each.body)["type"] for each in receiver.posts] == ["alert.fired", "alert.resolved"]
    page = operator.get("/alerts/events").json()
    assert [(each["kind"], each["title"], each["deliveries"][0]["state"]) for each in page["items"]] == [
        ("resolved", "Too deep", "sent"),
        ("fired", "Too deep", "sent"),
    ]
    assert page["next_cursor"] is None


def test_a_receiver_that_is_down_loses_nothing(
    database: str, operator: TestClient, receiver: WebhookReceiver
) -> None:
    good = made(operator, "/alerts/channels", {**HOOK, "target": f"{receiver.url}/good"})
    gone = made(operator, "/alerts/channels", {**HOOK, "kind": "slack", "target": f"{receiver.url}/gone"})
    made(operator, "/alerts/rules", {**RULE, "channel_ids": [good["id"], gone["id"]]})
    deepen(3)
    alerting.check(platform_session, None, now=NOW)
    receiver.answers_at = {"/good": [503], "/gone": [410]}
    assert run_deliveries(database) == ["dead"]
    (_, _, deliveries) = events()[0]
    assert deliveries == [
        {"channel_id": good["id"], "state": "waiting", "error": "The receiver answered 503."},
        {"channel_id": gone["id"], "state": "failed", "error": "The receiver answered 410."},
    ]
    with platform_session() as session:
        (waits,) = session.scalars(select(OutboxJob).where(OutboxJob.name == "fleet.deliver_alert"))
        assert (waits.state, waits.attempt) == ("scheduled", 1)
    assert run_deliveries(database) == ["dead", "succeeded"]
    assert events()[0][2][0] == {"channel_id": good["id"], "state": "sent", "error": None}
    sent = [post for post in receiver.posts if post.path == "/good"]
    assert len({post.headers["webhook-id"] for post in sent}) == 1
    assert len(sent) == 2


def test_the_last_attempt_says_that_it_failed(
    database: str, operator: TestClient, receiver: WebhookReceiver
) -> None:
    channel = made(operator, "/alerts/channels", {**HOOK, "target": receiver.url})
    made(operator, "/alerts/rules", {**RULE, "channel_ids": [channel["id"]]})
    deepen(3)
    alerting.check(platform_session, None, now=NOW)
    receiver.answers = [500]
    with platform_session() as session:
        session.execute(
            update(OutboxJob)
            .where(OutboxJob.name == "fleet.deliver_alert")
            .values(attempt=DeliverAlert.max_attempts - 1)
        )
    assert run_deliveries(database) == ["dead"]
    assert [each["state"] for each in events()[0][2]] == ["failed"]


def test_concurrent_looks_make_one_event_and_one_message(operator: TestClient) -> None:
    channel = made(operator, "/alerts/channels", HOOK)
    made(operator, "/alerts/rules", {**RULE, "channel_ids": [channel["id"]]})
    deepen(3)
    start, made_events = threading.Barrier(6), []

    def look() -> None:
        start.wait()
        made_events.append(alerting.check(platform_session, None, now=NOW))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made_events) == [0, 0, 0, 0, 0, 1]
    assert len(events()) == 1
    with platform_session() as session:
        assert len(outbox.pending(session, DeliverAlert)) == 1


def test_a_look_that_does_not_commit_leaves_neither_event_nor_message(operator: TestClient) -> None:
    channel = made(operator, "/alerts/channels", HOOK)
    rule = made(operator, "/alerts/rules", {**RULE, "channel_ids": [channel["id"]]})
    deepen(3)
    with Session(engine(DatabaseRole.PLATFORM)) as session:
        assert alerting.check_rule(session, None, rule["id"], now=NOW)
        assert len(outbox.pending(session, DeliverAlert)) == 1
    assert events() == []
    with platform_session() as session:
        assert outbox.pending(session, DeliverAlert) == []
    assert alerting.check(platform_session, None, now=NOW) == 1


def test_a_figure_that_raises_stops_no_other(database: str, operator: TestClient) -> None:
    broken = made(operator, "/alerts/rules", {**RULE, "metric": "schedules_missed", "title": "a"})
    away = made(operator, "/alerts/rules", {**RULE, "metric": "circuits_open", "title": "b"})
    works = made(operator, "/alerts/rules", {**RULE, "title": "c"})
    deepen(3)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE schedule_ticks RENAME TO gone")
    with environment({**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0"}):
        assert alerting.check(platform_session, None, now=NOW) == 1
    states = {rule["id"]: rule["state"] for rule in operator.get("/alerts/rules").json()}
    assert states == {broken["id"]: "unknown", away["id"]: "unknown", works["id"]: "firing"}


def test_a_muted_rule_tells_nobody_until_the_silence_is_over(operator: TestClient) -> None:
    channel = made(operator, "/alerts/channels", HOOK)
    rule = made(operator, "/alerts/rules", {**RULE, "channel_ids": [channel["id"]]})
    until = utcnow() + timedelta(hours=1)
    answer = operator.post(f"/alerts/rules/{rule['id']}/mute", json={"until": until.isoformat()})
    assert datetime.fromisoformat(answer.json()["muted_until"]) == until
    deepen(3)
    alerting.check(platform_session, None, now=until - timedelta(seconds=1))
    assert events() == [("fired", "muted", [])]
    assert (
        operator.post(f"/alerts/rules/{rule['id']}/mute", json={"until": None}).json()["muted_until"] is None
    )
    alerting.check(platform_session, None, now=until)
    alerting.check(platform_session, None, now=until + timedelta(seconds=30))
    assert [(kind, silent) for kind, silent, _ in events()] == [("fired", "muted"), ("fired", None)]


@pytest.mark.parametrize("until", ["2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_a_silence_ends_within_a_year(operator: TestClient, until: str) -> None:
    rule = made(operator, "/alerts/rules", RULE)
    before = stored()
    answer = operator.post(f"/alerts/rules/{rule['id']}/mute", json={"until": until})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/until")
    naive = operator.post(f"/alerts/rules/{rule['id']}/mute", json={"until": "2026-12-01T00:00:00"})
    assert (naive.status_code, naive.json()) == (422, [["body", "until"]])
    assert stored() == before


def test_targets_and_secrets_are_sealed_shown_masked_and_the_secret_once(
    operator: TestClient, platform: Session
) -> None:
    hook = made(operator, "/alerts/channels", {**HOOK, "target": "https://hooks.example.com/T0/very-secret"})
    mail = made(operator, "/alerts/channels", {"kind": "email", "title": "Ann", "target": "ann@example.com"})
    assert hook["secret"].startswith("whsec_")
    assert (hook["target"], mail["target"], mail["secret"]) == (
        "https://hooks.example.com/…",
        "a…@example.com",
        None,
    )
    listed = operator.get("/alerts/channels").json()
    assert [each["secret"] for each in listed] == [None, None]
    for row in platform.scalars(select(AlertChannel)):
        assert b"secret" not in row.target
        assert b"ann@" not in row.target
    audited = json.dumps([dict(entry.detail) for entry in platform.scalars(select(AuditEntry))])
    assert "very-secret" not in audited
    assert "ann@" not in audited
    # A target that is copied to another owner's row does not open.
    moved = platform.scalars(select(AlertChannel).order_by(AlertChannel.id).limit(1)).one()
    moved.shop_id = 1
    with pytest.raises(TargetRefused):
        alerts.destination(moved)


def test_a_test_message_says_what_the_receiver_said(operator: TestClient, receiver: WebhookReceiver) -> None:
    channel = made(operator, "/alerts/channels", {**HOOK, "target": receiver.url})
    receiver.answers = [200, 404]
    path = f"/alerts/channels/{channel['id']}/test"
    assert operator.post(path).json() == {"ok": True, "error": None}
    assert operator.post(path).json() == {"ok": False, "error": "The receiver answered 404."}
    assert [json.loads(post.body)["type"] for post in receiver.posts] == ["alert.test"] * 2
    with platform_session() as session:
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == ["alert_channel_created", "alert_channel_tested", "alert_channel_tested"]


def test_a_channel_that_is_deleted_leaves_its_rules_and_what_waits_for_it_ends(
    database: str, operator: TestClient
) -> None:
    first, second = (made(operator, "/alerts/channels", HOOK)["id"] for _ in range(2))
    made(operator, "/alerts/rules", {**RULE, "channel_ids": [first, second, first]})
    deepen(3)
    alerting.check(platform_session, None, now=NOW)
    assert [each["channel_id"] for each in events()[0][2]] == [first, second]
    assert operator.delete(f"/alerts/channels/{first}").status_code == 204
    assert [rule["channel_ids"] for rule in operator.get("/alerts/rules").json()] == [[second]]
    with platform_session() as session:
        job = next(job for job in outbox.pending(session, DeliverAlert) if job.channel_id == first)
    alerting.deliver(platform_session, None, job, attempt=1)
    assert events()[0][2][0] == {"channel_id": first, "state": "failed", "error": "The channel was deleted."}


def test_caps(operator: TestClient, sign_in: As) -> None:
    for _ in range(alerts.MAX_CHANNELS):
        made(operator, "/alerts/channels", HOOK)
    for _ in range(alerts.MAX_RULES):
        made(operator, "/alerts/rules", RULE)
    before = stored()
    refused = operator.post("/alerts/channels", json=HOOK)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_alert_channels")
    refused = operator.post("/alerts/rules", json=RULE)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_alert_rules")
    assert stored() == before
    # The operators' are not the shop's.
    made(sign_in("owner"), "/alerts/rules", SHOP_RULE)


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"metric": "nothing"}, ["/metric"]),
        ({"metric": "campaign_bounce_percent"}, ["/metric"]),
        ({"scope": {"shop": "x"}}, ["/scope/shop"]),
        ({"scope": {"queue": "nowhere"}}, ["/scope/queue"]),
        ({"metric": "dead_letters", "scope": {"job": "no.such"}}, ["/scope/job"]),
        ({"channel_ids": [2**62]}, ["/channel_ids/0"]),
        (
            {"scope": {"queue": "x", "job": "y"}, "channel_ids": [7]},
            ["/scope/queue", "/scope/job", "/channel_ids/0"],
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_pointers(
    operator: TestClient, change: dict[str, Any], pointers: list[str]
) -> None:
    rule = made(operator, "/alerts/rules", RULE)
    before = stored()
    for answer in (
        operator.post("/alerts/rules", json={**RULE, **change}),
        operator.patch(f"/alerts/rules/{rule['id']}", json=change),
    ):
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert stored() == before


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"title": ""}, ["title"]),
        ({"title": "   "}, ["title"]),
        ({"title": "a\nb"}, ["title"]),
        ({"title": "a\x00b"}, ["title"]),
        ({"title": "x" * 201}, ["title"]),
        ({"op": "about"}, ["op"]),
        ({"threshold": "much"}, ["threshold"]),
        ({"for_s": -1}, ["for_s"]),
        ({"for_s": 86_401}, ["for_s"]),
        ({"hold_off_s": 10**9}, ["hold_off_s"]),
        ({"scope": {"queue": "a\x00"}}, ["scope", "queue"]),
        ({"channel_ids": list(range(11))}, ["channel_ids"]),
        ({"state": "firing"}, ["state"]),
    ],
)
def test_a_rule_of_the_wrong_form_is_refused(
    operator: TestClient, change: dict[str, Any], location: list[str]
) -> None:
    rule = made(operator, "/alerts/rules", RULE)
    before = stored()
    for answer in (
        operator.post("/alerts/rules", json={**RULE, **change}),
        operator.patch(f"/alerts/rules/{rule['id']}", json=change),
    ):
        assert (answer.status_code, answer.json()) == (422, [["body", *location]])
    assert stored() == before


def test_a_number_that_is_none_is_no_limit(operator: TestClient) -> None:
    before = stored()
    for number in ("NaN", "Infinity", "1e999"):
        body = json.dumps(RULE).replace(": 2}", f": {number}}}")
        answer = operator.post("/alerts/rules", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422
    assert stored() == before


@pytest.mark.parametrize(
    ("kind", "target"),
    [("email", "nobody"), ("slack", "ftp://x.example/"), ("webhook", "https://u:p@x.example/")],
)
def test_an_address_that_nothing_can_go_to_is_refused(operator: TestClient, kind: str, target: str) -> None:
    before = stored()
    answer = operator.post("/alerts/channels", json={"kind": kind, "title": "x", "target": target})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/target")
    assert stored() == before


def test_an_edit_that_aims_elsewhere_begins_quiet_and_one_that_does_not_goes_on(operator: TestClient) -> None:
    rule = made(operator, "/alerts/rules", RULE)
    deepen(3)
    alerting.check(platform_session, None, now=NOW)
    path = f"/alerts/rules/{rule['id']}"
    assert operator.patch(path, json={"title": "Deeper", "threshold": 1}).json()["state"] == "firing"
    assert operator.patch(path, json={"scope": {"queue": "ai"}}).json()["state"] == "ok"
    off = operator.patch(path, json={"enabled": False}).json()
    assert (off["enabled"], off["title"], off["threshold"]) == (False, "Deeper", 1)
    assert alerting.check(platform_session, None, now=NOW) == 0
    assert operator.delete(path).status_code == 204
    assert (operator.get("/alerts/rules").json(), events()) == ([], [])
    with platform_session() as session:
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == ["alert_rule_created", *["alert_rule_changed"] * 3, "alert_rule_deleted"]


def test_shops_and_operators_see_and_touch_only_their_own(
    sign_in: As, operator: TestClient, other_shop: Shop
) -> None:
    mine, rival = sign_in("owner"), sign_in("owner", other_shop)
    rules = {}
    channels = {}
    for name, client, body in (
        ("mine", mine, SHOP_RULE),
        ("rival", rival, SHOP_RULE),
        ("operator", operator, RULE),
    ):
        channels[name] = made(client, "/alerts/channels", HOOK)["id"]
        rules[name] = made(client, "/alerts/rules", {**body, "channel_ids": [channels[name]]})["id"]
    before = stored()
    for name, client in (("mine", mine), ("rival", rival), ("operator", operator)):
        assert [rule["id"] for rule in client.get("/alerts/rules").json()] == [rules[name]]
        assert [channel["id"] for channel in client.get("/alerts/channels").json()] == [channels[name]]
        for other in {"mine", "rival", "operator"} - {name}:
            rule, channel = f"/alerts/rules/{rules[other]}", f"/alerts/channels/{channels[other]}"
            answers = [
                client.patch(rule, json={"title": "taken"}),
                client.delete(rule),
                client.post(f"{rule}/mute", json={"until": None}),
                client.delete(channel),
                client.post(f"{channel}/test"),
            ]
            assert [answer.status_code for answer in answers] == [404] * 5
            crossing = client.patch(f"/alerts/rules/{rules[name]}", json={"channel_ids": [channels[other]]})
            assert crossing.json()["errors"][0]["pointer"] == "/channel_ids/0"
    assert stored() == before
    keys = {each["key"]: each["audience"] for each in mine.get("/alerts/metrics").json()}
    assert set(keys.values()) == {"shops", "both"}
    assert {"campaign_bounce_percent", "campaign_complaint_percent", "campaign_stuck_min", "messages_sent_24h",
            "dead_letters", "privacy_requests_due", "webhooks_dead", "webhooks_missed",
            "workflows_failed"} == set(keys)  # fmt: skip
    assert {each["audience"] for each in operator.get("/alerts/metrics").json()} == {"operators", "both"}
    # The operators' figures are none of a shop's business.
    assert mine.post("/alerts/rules", json=RULE).status_code == 422


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_who_may_only_look_changes_nothing(sign_in: As, role: Role) -> None:
    owner, client = sign_in("owner"), sign_in(role)
    channel = made(owner, "/alerts/channels", HOOK)["id"]
    rule = made(owner, "/alerts/rules", SHOP_RULE)["id"]
    before = stored()
    answers = [
        client.post("/alerts/channels", json=HOOK),
        client.delete(f"/alerts/channels/{channel}"),
        client.post(f"/alerts/channels/{channel}/test"),
        client.post("/alerts/rules", json=SHOP_RULE),
        client.patch(f"/alerts/rules/{rule}", json={"title": "x"}),
        client.delete(f"/alerts/rules/{rule}"),
        client.post(f"/alerts/rules/{rule}/mute", json={"until": None}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 7
    looks = [client.get(f"/alerts/{page}") for page in ("metrics", "channels", "rules", "events")]
    assert [answer.status_code for answer in looks] == [200] * 4
    assert stored() == before


def test_a_shops_rules_are_looked_at_inside_the_shop(
    database: str, sign_in: As, shop: Shop, other_shop: Shop, receiver: WebhookReceiver
) -> None:
    owner, shop_id = sign_in("owner"), ShopId(shop.id)
    channel = made(owner, "/alerts/channels", {**HOOK, "target": receiver.url})["id"]
    made(owner, "/alerts/rules", {**SHOP_RULE, "metric": "workflows_failed", "channel_ids": [channel]})
    made(sign_in("owner", other_shop), "/alerts/rules", {**SHOP_RULE, "metric": "workflows_failed"})
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO workflows (id, shop_id, name, state, definition, created_by, finished_at)"
            " VALUES (%s, %s, 'w', 'failed', '{}', 'tests', now())",
            [uuid7(), shop.id],
        )
    check_alerts(CheckAlerts(), Context(None))
    with platform_session() as session:
        staged = {
            job.shop_id for job in session.scalars(select(OutboxJob)) if job.name == CheckShopAlerts.name
        }
    assert staged == {shop.id, other_shop.id}
    for each in (shop, other_shop):
        check_shop_alerts(CheckShopAlerts(), Context(ShopId(each.id)))
    assert (len(events(shop)), len(events(other_shop))) == (1, 0)
    assert run_deliveries(database) == ["succeeded"]
    assert json.loads(receiver.posts[0].body)["data"]["shop"] == shop.domain
    (event,) = owner.get("/alerts/events").json()["items"]
    assert event["deliveries"] == [{"channel_id": channel, "state": "sent", "error": None}]
    assert sign_in("owner", other_shop).get("/alerts/events").json()["items"] == []
    with tenant_session(ShopId(other_shop.id)) as session:
        assert alerting.pack(session, shop_id, DeliverAlert(event["id"], channel)) is None


def test_a_shop_that_left_is_not_looked_at(sign_in: As, shop: Shop) -> None:
    made(sign_in("owner"), "/alerts/rules", SHOP_RULE)
    with platform_session() as session:
        session.execute(update(Shop).where(Shop.id == shop.id).values(state="uninstalled"))
    with platform_session() as session:
        assert alerting.stage_shops(session) == 0
        assert outbox.pending(session, CheckShopAlerts) == []


def test_events_are_paged_and_old_ones_forgotten(operator: TestClient) -> None:
    rule = made(operator, "/alerts/rules", RULE)["id"]
    with platform_session() as session:
        for number in range(alerts.PAGE_SIZE + 2):
            at = NOW - alerts.EVENTS_KEPT - timedelta(days=1) if number == 0 else NOW
            session.add(AlertEvent(rule_id=rule, kind="fired", value=number, at=at, deliveries=[]))
    first = operator.get("/alerts/events").json()
    rest = operator.get("/alerts/events", params={"cursor": first["next_cursor"]}).json()
    values = [event["value"] for event in first["items"] + rest["items"]]
    assert values == sorted(range(alerts.PAGE_SIZE + 2), reverse=True)
    assert rest["next_cursor"] is None
    assert operator.get("/alerts/events", params={"cursor": "x"}).json()["errors"][0]["pointer"] == "/cursor"
    with platform_session() as session:
        assert alerts.forget_old_events(session, now=NOW) == 1
