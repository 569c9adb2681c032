"""One trace from a request to a worker's run, as a real collector receives it; nothing at all when it is off."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.testclient import TestClient as EdgeClient

from storecast.config.settings import get_settings
from storecast.edge.app import create_app as create_edge
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import parse
from storecast.messaging.compose import Prepared
from storecast.observability import tracing
from storecast.shops.models import Shop
from storecast.worker.ledger import Ledger
from storecast.worker.task import Runner
from tests.conftest import BACKEND, environment
from tests.contracts.smtp_server import SmtpServer, serving
from tests.edge.test_webhooks import ORDER, signed
from tests.observability.otlp_receiver import Receiver, receiving
from tests.processes import relay, wait_until, worker


@contextmanager
def traced(receiver: Receiver, process: str) -> Iterator[None]:
    """This process traces as ``process`` for the length of a block."""
    with environment({**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}):
        tracing.configure(process)
        try:
            yield
        finally:
            tracing.shutdown()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def add_dead(database: str, shop: Shop) -> str:
    """A finished run that the API can start again."""
    job_id = str(uuid7())
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO job_runs (id, shop_id, name, queue, args, state, attempt, max_attempts, enqueued_at,"
            " finished_at) VALUES (%s, %s, 'segments.recount', 'default', '{}', 'dead', 1, 1, now(), now())",
            [job_id, shop.id],
        )
    return job_id


def test_one_trace_from_a_request_over_the_relay_to_the_workers_run(
    database: str, shop: Shop, signed_in: dict[str, str], receiver: Receiver, tmp_path: Path
) -> None:
    from storecast.entrypoints.api import create_app

    run = add_dead(database, shop)
    with environment({**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint + "/"}):
        with TestClient(create_app()) as client:
            answer = client.post(f"/api/v1/jobs/{run}/retry", headers=signed_in)
            assert answer.status_code == 200
            client.get("/healthz")
        request = receiver.only("POST /jobs/{job_id}/retry")
        with relay(tmp_path), worker(tmp_path, "default"):
            wait_until(lambda: finished(database, answer.json()["id"]), "the job's end")
    wait_until(lambda: receiver.named("segments.recount"), "the worker's span")

    published, ran = receiver.only("relay.publish"), receiver.only("segments.recount")
    assert {each.process for each in (request, published, ran)} == {
        "storecast-api", "storecast-relay", "storecast-worker",
    }  # fmt: skip
    assert {each.span.trace_id for each in (request, published, ran)} == {request.span.trace_id}
    assert request.span.parent_span_id == b""
    assert published.span.parent_span_id == ran.span.parent_span_id == request.span.span_id
    assert [request.span.kind, published.span.kind, ran.span.kind] == [
        Span.SPAN_KIND_SERVER, Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER,
    ]  # fmt: skip
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/jobs/{job_id}/retry",
        "http.response.status_code": 200,
        "storecast.request_id": answer.headers["X-Request-ID"],
        "storecast.shop_id": shop.id,
    }
    assert ran.attributes["storecast.shop_id"] == shop.id
    assert ran.attributes["storecast.job_id"] == answer.json()["id"]
    # Nobody's name, address or token is anywhere in what left the machine.
    sent = b"".join(receiver.bodies)
    for secret in (b"owner@", b"Olive", signed_in["Authorization"].removeprefix("Bearer ").encode()):
        assert secret not in sent
    assert receiver.named("GET /healthz") == []


def finished(database: str, job_id: str) -> bool:
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT state FROM job_runs WHERE id = %s", [job_id]).fetchone()
    return found == ("succeeded",)


def test_the_edges_commit_stands_between_a_webhook_and_its_job(
    database: str, shop: Shop, receiver: Receiver
) -> None:
    with environment({**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}):
        app = create_edge(get_settings(), lambda _token: None, lambda *_link: None)
        with EdgeClient(app) as edge:
            assert (
                edge.post("/webhooks", content=ORDER, headers=signed(ORDER, shop.domain)).status_code == 200
            )
    request, commit = receiver.only("POST /webhooks"), receiver.only("edge.commit")
    assert commit.span.trace_id == request.span.trace_id
    assert commit.span.parent_span_id == request.span.span_id
    with psycopg.connect(database, autocommit=True) as connection:
        ((job_id, traceparent),) = connection.execute(
            "UPDATE outbox SET state = 'queued' RETURNING id, traceparent"
        ).fetchall()
    assert traceparent[3:-3] == commit.ids

    ledgers = Ledger(database, "worker-1"), Ledger(database, "worker-1")
    with traced(receiver, "worker"):
        Runner(*ledgers).run([job_id])
    for ledger in ledgers:
        ledger.close()
    drained = receiver.only("webhooks.drain")
    assert drained.span.trace_id == request.span.trace_id
    assert drained.span.parent_span_id == commit.span.span_id
    with psycopg.connect(database) as connection:
        ((attempts,),) = connection.execute("SELECT attempts FROM job_runs").fetchall()
    assert attempts[0]["traceparent"][3:-3] == drained.ids


def test_a_job_that_waited_long_is_linked_and_not_a_child(settings: object, receiver: Receiver) -> None:
    with traced(receiver, "worker"):
        with tracing.request_span("POST") as request:
            staged = tracing.current_traceparent()
        assert request.traceparent == staged
        late = utcnow() - tracing.LINKED_AFTER - timedelta(seconds=1)
        with tracing.job_span("late", staged, enqueued_at=late):
            pass
        with tracing.job_span("soon", staged, enqueued_at=utcnow()) as soon:
            child = soon.traceparent
        with tracing.job_span("unknown", "not a traceparent"), tracing.job_span("nobodys", None):
            pass
    request_span, linked = receiver.only("POST").span, receiver.only("late").span
    assert linked.trace_id != request_span.trace_id
    assert linked.parent_span_id == b""
    assert [(link.trace_id, link.span_id) for link in linked.links] == [
        (request_span.trace_id, request_span.span_id)
    ]
    assert receiver.only("soon").span.parent_span_id == request_span.span_id
    assert child is not None
    assert child[3:-3] == receiver.only("soon").ids
    for name in ("unknown", "nobodys"):
        assert (receiver.only(name).span.parent_span_id, list(receiver.only(name).span.links)) == (b"", [])


def test_a_message_of_several_jobs_is_linked_to_all_who_staged_them(
    settings: object, receiver: Receiver
) -> None:
    with traced(receiver, "relay"):
        staged = []
        for name in ("one", "two"):
            with tracing.span(name) as span:
                staged.append(span.traceparent)
        with tracing.publish_span([*staged, *staged, None, "junk"], {"storecast.jobs": 6}):
            pass
        with tracing.publish_span([None, None], {"storecast.jobs": 2}) as nobodys:
            assert nobodys is tracing.OFF
    published = receiver.only("relay.publish")
    assert [link.span_id for link in published.span.links] == [
        receiver.only(name).span.span_id for name in ("one", "two")
    ]


def test_a_failure_is_told_by_its_class_and_never_by_its_text(settings: object, receiver: Receiver) -> None:
    def fail() -> None:
        with tracing.span("work"):
            raise ValueError("ada@example.com is unknown")

    with traced(receiver, "worker"), pytest.raises(ValueError, match="ada"):
        fail()
    failed = receiver.only("work")
    assert failed.span.status == Status(code=Status.STATUS_CODE_ERROR, message="ValueError")
    assert failed.attributes == {"error.type": "ValueError"}
    assert b"ada@" not in b"".join(receiver.bodies)


def test_a_batch_of_mail_is_a_span_under_its_job(settings: object, receiver: Receiver) -> None:
    message = Prepared(1, "b+1@shop.example", "ada@example.com", b"Subject: hi\r\n\r\nhello\r\n")
    with serving(SmtpServer()) as server, traced(receiver, "worker"):
        channel = SmtpChannel(parse(server.url))
        with tracing.job_span("campaigns.send_batch", None):
            list(channel.send([message]))
        channel.close()
    batch = receiver.only("smtp.send")
    assert batch.span.parent_span_id == receiver.only("campaigns.send_batch").span.span_id
    assert batch.attributes == {
        "server.address": f"127.0.0.1:{server.port}",
        "storecast.messages.accepted": 1,
    }
    assert b"ada@" not in b"".join(receiver.bodies)


def test_a_callers_own_trace_is_not_taken_over(
    database: str, shop: Shop, signed_in: dict[str, str], receiver: Receiver
) -> None:
    from storecast.entrypoints.api import create_app

    foreign = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    with (
        environment({**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}),
        TestClient(create_app()) as client,
    ):
        client.get("/api/v1/workers", headers={**signed_in, "traceparent": foreign})
    span = receiver.only("GET /workers").span
    assert span.trace_id.hex() != "ab" * 16
    assert span.parent_span_id == b""


def test_a_collector_that_is_away_holds_up_nothing(settings: object) -> None:
    nowhere = Receiver(endpoint="http://127.0.0.1:1")
    before = time.monotonic()
    with traced(nowhere, "worker"):
        for _ in range(10):
            with tracing.span("work"):
                pass
    assert time.monotonic() - before < tracing.FLUSH_S + 2


def test_off_means_nothing_is_traced_and_the_exporter_not_even_imported(settings: object) -> None:
    tracing.configure("api")
    with tracing.request_span("GET") as span, tracing.job_span("job", "00-x") as job:
        assert span is job is tracing.OFF
        assert tracing.current_traceparent() is None
        assert span.traceparent is None
        span.set({"a": 1})
        span.rename("b")
        span.failed("c")
        tracing.note({"d": 1})
    tracing.shutdown()
    code = (
        "import sys, storecast.entrypoints.edge, storecast.entrypoints.worker;"
        "print([name for name in sys.modules if name.startswith('opentelemetry.exporter')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=BACKEND, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (None, None),
        ("", None),
        ("https://traces.example/t/{trace_id}?x=1", "https://traces.example/t/" + "ab" * 16 + "?x=1"),
    ],
)
def test_the_console_links_to_where_traces_are_shown(
    monkeypatch: pytest.MonkeyPatch, settings: object, address: str | None, url: str | None
) -> None:
    if address is not None:
        monkeypatch.setenv("STORECAST_TRACE_URL", address)
    get_settings.cache_clear()
    assert tracing.find_trace_url("00-" + "ab" * 16 + "-" + "cd" * 8 + "-01") == url
    assert tracing.find_trace_url(None) is None
    assert tracing.find_trace_url("junk") is None


@pytest.mark.parametrize("address", ["javascript:alert('{trace_id}')", "https://traces.example/"])
def test_a_trace_address_must_be_a_template_of_a_web_page(
    monkeypatch: pytest.MonkeyPatch, settings: object, address: str
) -> None:
    monkeypatch.setenv("STORECAST_TRACE_URL", address)
    get_settings.cache_clear()
    with pytest.raises(ValueError, match="STORECAST_TRACE_URL must be"):
        get_settings()
