"""Campaigns end to end, in messages a second, beside a client that sends the same bytes ready-made.

`N=100000 make bench-send` (N recipients; WORKERS=2 sending processes). End to end is from the commit of "send" to the
campaign's end: freeze, claim, render with ten tracked links and personal values, SMTP to two sinks, ledger written. It
runs through the outbox, the relay and real Celery workers. One campaign has a template whose personal parts are plain
outputs, the next one control flow that depends on the recipient, and two short ones are signed by us (RSA; RSA and
Ed25519). Beyond 100,000 recipients one of 100,000 goes first, for the price of a message to be compared.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.crew import Member, celery_worker, running, wait_for
from benchmarks.meter import Meter, own_postgres
from benchmarks.report import Mark, finish
from benchmarks.smtp_sink import Sink, sink
from benchmarks.stage import BACKEND, Stage, stage

N = int(os.environ.get("N", "100000"))
WORKERS = int(os.environ.get("WORKERS", "2"))
COMPARED = 100_000
SIGNED = min(N, 10_000)
CONNECTIONS = 8
SENDER = "bench.example"
START_S = 120.0
GIVE_UP_S = 1800.0

LINKS = "".join(
    f'<p><a href="https://bench.example/products/{n}">Look at number {n}</a></p>\n' for n in range(10)
)
PLAIN = "<p>You ordered {{ customer.orders_count }} times, {{ customer.first_name|default('friend') }}</p>"
FLOW = (
    "{% if customer.orders_count > 2 %}<p>Thank you, {{ customer.first_name }}</p>"
    "{% else %}<p>Welcome</p>{% endif %}"
)
SENTENCE = "<p>Some sentences that are the same for everybody and make the message as long as mail is.</p>\n"


def html(personal: str) -> str:
    """A message of about 7 KB on its way, in both of its parts."""
    return (
        "<html><body><h1>Hello {{ customer.first_name|default('you') }}</h1>"
        + SENTENCE * 20
        + LINKS
        + personal
        + "<p>{{ customer.city }}</p><a href='{{ unsubscribe_url }}'>Unsubscribe</a></body></html>"
    )


@dataclass(frozen=True, slots=True)
class Run:
    """What one campaign took."""

    recipients: int
    seconds: float
    storecast_s: float
    postgres_s: float
    lost: int
    duplicates: int

    @property
    def per_second(self) -> float:
        return self.recipients / self.seconds

    @property
    def per_cpu_s(self) -> float:
        return self.recipients / self.storecast_s

    @property
    def cpu_us(self) -> float:
        """Of a message, PostgreSQL's included."""
        return (self.storecast_s + self.postgres_s) / self.recipients * 1e6


def seed(at: Stage, count: int = N) -> None:
    """Subscribed customers with facts."""
    with psycopg.connect(at.dsn) as connection:
        connection.execute(
            "INSERT INTO customers (shop_id, public_id, gid, email, first_name, city, email_state, shopify_updated_at) "
            "SELECT %s, 'cus_' || n, 'gid://shopify/Customer/' || n, 'customer' || n || '@example.com', "
            "CASE WHEN n %% 5 > 0 THEN 'Name' || n END, 'Bern', 'subscribed', now() FROM generate_series(1, %s) AS n",
            [at.shop_id, count],
        )
        connection.execute(
            "INSERT INTO customer_facts (shop_id, customer_id, orders_count, total_spent_minor) "
            "SELECT shop_id, id, id % 7, split_part(public_id, '_', 2)::bigint FROM customers"
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE customers, customer_facts")


def draft(at: Stage, count: int = N, personal: str = PLAIN) -> tuple[int, str]:
    """Make a campaign for so many of the customers; returns its ids."""
    os.environ.update(at.environment)
    from storecast.campaigns import drafts, schemas
    from storecast.db.session import tenant_session
    from storecast.kit.types import ShopId
    from storecast.segments import service as segments

    shop_id = ShopId(at.shop_id)
    some = {"op": "and", "rules": [{"field": "total_spent", "operator": "lte", "value": count}]}
    with tenant_session(shop_id) as session:
        segment = segments.create(session, shop_id, name=f"{count} {time.time_ns()}", tree=some)
        campaign = drafts.create(session, shop_id, name="Bench", template_key=None, actor="bench")
        changes = schemas.CampaignChanges(
            version=campaign.version,
            subject="Hello {{ customer.first_name|default('you') }}",
            html=html(personal),
            from_email=f"news@{SENDER}",
            segment_id=segment.public_id,
        )
        drafts.change(session, shop_id, campaign.public_id, changes)
    return campaign.id, campaign.public_id


def release(at: Stage, public_id: str, count: int = N) -> None:
    """Let it go."""
    from storecast.campaigns import service
    from storecast.db.session import tenant_session
    from storecast.kit.types import ShopId

    shop_id = ShopId(at.shop_id)
    with tenant_session(shop_id) as session:
        service.send(session, shop_id, public_id, scheduled_at=None, confirm_recipients=count, actor="bench")


def sign(at: Stage, *, ed25519: bool) -> None:
    """Have the sender's domain signed for, as if its keys had been found in DNS."""
    from storecast.db.session import tenant_session
    from storecast.kit.types import ShopId
    from storecast.messaging import sending_domains

    shop_id = ShopId(at.shop_id)
    if not ed25519:
        with tenant_session(shop_id) as session:
            sending_domains.add(session, shop_id, SENDER, actor="bench")
    with psycopg.connect(at.dsn) as connection:
        connection.execute("UPDATE sending_domains SET state = 'verified'")
        connection.execute("UPDATE dkim_keys SET state = 'active', ed25519_published = %s", [ed25519])


@contextmanager
def workers(at: Stage) -> Iterator[list[Member]]:
    """Relay and Celery worker processes, ready to send: their start is no part of sending."""
    app = "storecast.entrypoints.worker"
    crew = [
        Member("relay", ["storecast.entrypoints.relay"], at.environment, at.folder),
        Member(
            "default",
            celery_worker(app, "default", "-Q", "critical,default", "-c", "1"),
            at.environment,
            at.folder,
        ),
        Member(
            "bulk", celery_worker(app, "bulk", "-Q", "bulk", "-c", str(WORKERS)), at.environment, at.folder
        ),
    ]
    with running(*crew):
        for each in crew[1:]:
            wait_for(partial(each.said, " ready."), "the workers' start", START_S)
        # The children of a worker load its code after the parent has said that it is there.
        time.sleep(2)
        yield crew


def send(at: Stage, taken: Sink, meter: Meter, what: str, count: int, personal: str = PLAIN) -> Run:
    """Send one campaign to its end."""
    campaign_id, public_id = draft(at, count, personal)
    before = meter.cpu_s()
    started = time.perf_counter()
    release(at, public_id, count)
    with psycopg.connect(at.dsn, autocommit=True) as connection:
        wait_for(partial(_over, connection, campaign_id, meter), "the campaign's end", GIVE_UP_S)
    seconds = time.perf_counter() - started
    used = {role: cpu_s - before[role] for role, cpu_s in meter.cpu_s().items()}
    accepted = taken.accepted()
    distinct = len(set(accepted))
    run = Run(
        count,
        seconds,
        used["storecast"],
        used["postgres"],
        lost=count - distinct,
        duplicates=len(accepted) - distinct,
    )
    print(
        f"  {what:<34}{count:>10,} messages {run.per_second:>10,.0f}/s {run.per_cpu_s:>10,.0f} per CPU-second "
        f"{run.cpu_us:>7.1f} us each with PostgreSQL's",
        flush=True,
    )
    return run


def _over(connection: psycopg.Connection[Any], campaign_id: int, meter: Meter) -> bool:
    meter.look()
    row = connection.execute(
        "SELECT state, pause_reason FROM campaigns WHERE id = %s", [campaign_id]
    ).fetchone()
    if row is None or row[0] not in {"sending", "sent"}:
        raise RuntimeError(f"the campaign ended as {row}")
    return bool(row[0] == "sent")


def _blast(path: str, count: int, data: bytes, start: Any, answers: Any) -> None:
    """One client process with nothing to do but send."""
    from storecast.messaging.channels.smtp import SmtpChannel
    from storecast.messaging.channels.smtp_url import parse
    from storecast.messaging.compose import Prepared

    channel = SmtpChannel(parse(f"smtp+unix://{path}?connections={CONNECTIONS}"))
    channel.connect()
    start.wait()
    began = time.perf_counter()
    sent = sum(
        1
        for _outcome in channel.send(
            Prepared(n, f"b+{n}@bench.example", f"prebuilt{os.getpid()}.{n}@example.com", data, dotless=True)
            for n in range(count)
        )
    )
    answers.put((sent, time.perf_counter() - began))
    channel.close()


def reference(path: Path, data: bytes) -> float:
    """Messages a second of ready-made bytes over as many processes and connections."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(WORKERS)
    answers: multiprocessing.Queue[tuple[int, float]] = context.Queue()
    arguments = (str(path), N // WORKERS, data, start, answers)
    processes = [context.Process(target=_blast, args=arguments) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    results = [answers.get(timeout=GIVE_UP_S) for _ in processes]
    for process in processes:
        process.join()
    return sum(sent for sent, _seconds in results) / max(seconds for _sent, seconds in results)


def sample(at: Stage) -> bytes:
    """A message as the campaigns have it, for the reference to send."""
    from storecast.campaigns import content, repository
    from storecast.db.session import tenant_session
    from storecast.kit.clock import utcnow
    from storecast.kit.types import ShopId
    from storecast.messaging.compose import date_line
    from storecast.messaging.context import Recipient

    shop_id = ShopId(at.shop_id)
    campaign_id, _public_id = draft(at)
    with tenant_session(shop_id) as session:
        campaign = repository.find_by_id(session, shop_id, campaign_id)
        assert campaign is not None
        variant = content.compiled(session, shop_id, campaign)
    someone = Recipient(1, 1, "customer1@example.com", "Name1", None, "Bern", None, True, 3, 0, None)
    return variant.prepare(someone, date=date_line(utcnow())).data


def measure(at: Stage, taken: Sink, socket: Path) -> None:
    """Send the campaigns, then the reference, and report."""
    seed(at)
    data = sample(at)
    runs: dict[str, Run] = {}
    with workers(at) as crew:
        meter = Meter({"storecast": [member.pid for member in crew], "postgres": own_postgres()})
        go = partial(send, at, taken, meter)
        # Connections, statements and templates that a worker has from its first campaign on.
        runs["warm"] = go("(warming up)", min(N, 1_000))
        if N > COMPARED:
            runs["compared"] = go("plain outputs", COMPARED)
        runs["plain"] = go("plain outputs", N)
        runs["flow"] = go("control flow on the recipient", N, FLOW)
        sign(at, ed25519=False)
        runs["rsa"] = go("plain outputs, signed RSA", SIGNED)
        sign(at, ed25519=True)
        runs["both"] = go("plain outputs, RSA and Ed25519", SIGNED)
    ready_made = reference(socket, data)
    plain, flow = runs["plain"], runs["flow"]
    marks = [
        Mark("messages_per_s", plain.per_second, 12_000),
        Mark("messages_per_storecast_cpu_s", plain.per_cpu_s, 20_000),
        Mark("control_flow_messages_per_s", flow.per_second, 6_500),
        Mark("control_flow_messages_per_storecast_cpu_s", flow.per_cpu_s, 5_500),
        Mark("postgres_cpu_s_per_100k", plain.postgres_s / N * 100_000),
        Mark("signed_rsa_messages_per_s", runs["rsa"].per_second),
        Mark("signed_rsa_messages_per_storecast_cpu_s", runs["rsa"].per_cpu_s),
        Mark("signed_rsa_ed25519_messages_per_s", runs["both"].per_second),
        Mark("signed_rsa_ed25519_messages_per_storecast_cpu_s", runs["both"].per_cpu_s),
        Mark("message_bytes", len(data)),
        Mark("largest_process_mib", meter.peak_mib, 200, "<="),
        Mark("lost", sum(run.lost for run in runs.values()), 0, "<="),
        Mark("duplicates", sum(run.duplicates for run in runs.values()), 0, "<="),
    ]
    if "compared" in runs:
        marks.append(
            Mark("cost_of_a_message_against_100k", plain.cpu_us / runs["compared"].cpu_us, 1.1, "<=")
        )
    finish(
        "send",
        value=plain.per_second,
        unit="messages/s of one campaign, end to end",
        reference=f"ready-made bytes over {WORKERS} processes of {CONNECTIONS} connections, messages/s",
        reference_value=ready_made,
        peak_mib=meter.peak_mib,
        marks=marks,
    )


def main() -> None:
    """Start the world, measure, take it down."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "sink"
        url = f"smtp+unix://{socket}?connections={CONNECTIONS}"
        with (
            sink(socket, Path(folder) / "accepted") as taken,
            stage(STORECAST_SMTP_URL=url, PYTHONPATH=str(BACKEND)) as at,
        ):
            measure(at, taken, socket)


if __name__ == "__main__":
    main()
