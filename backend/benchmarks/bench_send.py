"""One campaign end to end, in messages a second, beside a client that sends the same bytes ready-made.

`N=100000 make bench-send` (N recipients; WORKERS=2 sending processes). End to end is from the commit of "send" to the
campaign's end: freeze, claim, render with ten tracked links and personal values, SMTP to a sink, ledger written. It
runs through the outbox, the relay and real Celery workers. BLOCKS=1 takes a template whose control flow depends on the
recipient.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.report import Mark, finish
from benchmarks.smtp_sink import Counts, sink
from benchmarks.stage import BACKEND, Stage, stage

N = int(os.environ.get("N", "20000"))
WORKERS = int(os.environ.get("WORKERS", "2"))
BLOCKS = os.environ.get("BLOCKS", "") == "1"
CONNECTIONS = 8
GIVE_UP_S = 1800

LINKS = "".join(
    f'<p><a href="https://bench.example/products/{n}">Look at number {n}</a></p>\n' for n in range(10)
)
PERSONAL = (
    "{% if customer.orders_count > 2 %}<p>Thank you, {{ customer.first_name }}</p>{% else %}<p>Welcome</p>{% endif %}"
    if BLOCKS
    else "<p>You ordered {{ customer.orders_count }} times, {{ customer.first_name|default('friend') }}</p>"
)
HTML = (
    "<html><body><h1>Hello {{ customer.first_name|default('you') }}</h1>"
    + "<p>Some sentences that are the same for everybody and make the message as long as mail is.</p>\n" * 40
    + LINKS
    + PERSONAL
    + "<p>{{ customer.city }}</p><a href='{{ unsubscribe_url }}'>Unsubscribe</a></body></html>"
)


@dataclass
class Usage:
    """CPU seconds and the largest resident process, by role."""

    storecast_s: float = 0.0
    postgres_s: float = 0.0
    peak_mib: float = 0.0


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
            "INSERT INTO customer_facts (shop_id, customer_id, orders_count) SELECT shop_id, id, id % 7 FROM customers"
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE customers, customer_facts")


def draft(at: Stage) -> tuple[int, str]:
    """Make the campaign; returns its ids."""
    os.environ.update(at.environment)
    from storecast.campaigns import schemas, service
    from storecast.db.session import tenant_session
    from storecast.kit.types import ShopId
    from storecast.segments import service as segments

    shop_id = ShopId(at.shop_id)
    everybody = {"op": "and", "rules": [{"field": "orders_count", "operator": "gte", "value": 0}]}
    with tenant_session(shop_id) as session:
        segment = segments.create(session, shop_id, name="Everybody", tree=everybody)
        campaign = service.create(session, shop_id, name="Bench", template_key=None, actor="bench")
        changes = schemas.CampaignChanges(
            version=campaign.version,
            subject="Hello {{ customer.first_name|default('you') }}",
            html=HTML,
            from_email="news@bench.example",
            segment_id=segment.public_id,
        )
        service.change(session, shop_id, campaign.public_id, changes)
    return campaign.id, campaign.public_id


def release(at: Stage, public_id: str, count: int = N) -> None:
    """Let it go."""
    from storecast.campaigns import service
    from storecast.db.session import tenant_session
    from storecast.kit.types import ShopId

    shop_id = ShopId(at.shop_id)
    with tenant_session(shop_id) as session:
        service.send(session, shop_id, public_id, scheduled_at=None, confirm_recipients=count, actor="bench")


@contextmanager
def workers(at: Stage) -> Iterator[list[psutil.Process]]:
    """Relay and Celery worker processes."""
    celery = [sys.executable, "-m", "celery", "-A", "storecast.entrypoints.worker", "worker", "-Q"]
    commands = [
        [sys.executable, "-m", "storecast.entrypoints.relay"],
        [*celery, "critical,default", "-c", "1", "-n", "default@bench"],
        [*celery, "bulk", "-c", str(WORKERS), "-n", "bulk@bench"],
    ]
    with ExitStack() as stack:
        log = stack.enter_context((at.folder / "workers.log").open("wb"))
        processes = []
        for command in commands:
            process = subprocess.Popen(
                command,
                cwd=BACKEND,
                # SIGTERM means to hand back what runs, as in a deployment: it may come before the campaign's end.
                env={**os.environ, **at.environment, "REMAP_SIGTERM": "SIGQUIT"},
                stdout=log,
                stderr=log,
            )
            stack.callback(_end, process)
            processes.append(psutil.Process(process.pid))
        yield processes


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_workers(at: Stage) -> None:
    """Until relay and workers are there: their start is no part of sending."""
    deadline = time.perf_counter() + 120
    with psycopg.connect(at.dsn, autocommit=True) as connection:
        while time.perf_counter() < deadline:
            row = connection.execute(
                "SELECT count(*) FROM fleet_processes WHERE kind IN ('worker', 'relay')"
            ).fetchone()
            if row is not None and row[0] >= 3:
                # The children of a worker load its code after the parent has said that it is there.
                time.sleep(2)
                return
            time.sleep(0.2)
    raise TimeoutError("the workers did not start")


def _family(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [*processes, *(child for process in processes for child in process.children(recursive=True))]


def _cpu_s(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _postgres() -> list[psutil.Process]:
    ours = psutil.Process().children(recursive=True)
    return [process for process in ours if process.is_running() and process.name().startswith("postgres")]


def wait(at: Stage, campaign_id: int, processes: list[psutil.Process], usage: Usage) -> None:
    """Until the campaign is over, with a line of progress now and then."""
    started = shown = time.perf_counter()
    with psycopg.connect(at.dsn, autocommit=True) as connection:
        while time.perf_counter() - started < GIVE_UP_S:
            row = connection.execute(
                "SELECT state, pause_reason FROM campaigns WHERE id = %s", [campaign_id]
            ).fetchone()
            family = _family(processes)
            usage.peak_mib = max([usage.peak_mib, *(_rss_mib(process) for process in family)])
            if row is not None and row[0] != "sending":
                if row[0] != "sent":
                    raise RuntimeError(f"the campaign ended as {row}")
                return
            if time.perf_counter() - shown > 2:
                shown = time.perf_counter()
                done = connection.execute(
                    "SELECT count(*) FROM message_deliveries WHERE state = 'accepted'"
                ).fetchone()
                print(f"  {shown - started:6.1f} s   {done[0] if done else 0:>9,} accepted", flush=True)
            time.sleep(0.05)
    raise TimeoutError("the campaign did not end")


def _rss_mib(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


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
            Prepared(n, "b+1@bench.example", f"prebuilt{os.getpid()}.{n}@example.com", data)
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


def sample(at: Stage, campaign_id: int) -> bytes:
    """A message of the campaign, for the reference to send."""
    from storecast.campaigns import content, repository
    from storecast.db.session import tenant_session
    from storecast.kit.clock import utcnow
    from storecast.kit.types import ShopId
    from storecast.messaging.compose import date_line
    from storecast.messaging.context import Recipient

    shop_id = ShopId(at.shop_id)
    with tenant_session(shop_id) as session:
        campaign = repository.find_by_id(session, shop_id, campaign_id)
        assert campaign is not None
        variant = content.compiled(session, shop_id, campaign)
    someone = Recipient(1, 1, "customer1@example.com", "Name1", None, "Bern", None, True, 3, 0, None)
    return variant.prepare(someone, date=date_line(utcnow())).data


def measure(at: Stage, taken: Counts, socket: Path) -> None:
    """Run the campaign, then the reference, and report."""
    seed(at)
    campaign_id, public_id = draft(at)
    usage = Usage()
    with workers(at) as processes:
        await_workers(at)
        before, before_pg = _cpu_s(_family(processes)), _cpu_s(_postgres())
        started = time.perf_counter()
        release(at, public_id)
        wait(at, campaign_id, processes, usage)
        seconds = time.perf_counter() - started
        usage.storecast_s = _cpu_s(_family(processes)) - before
        usage.postgres_s = _cpu_s(_postgres()) - before_pg
    messages, distinct = taken.messages.value, taken.recipients.value
    data = sample(at, campaign_id)
    ready_made = reference(socket, data)
    finish(
        "send",
        value=N / seconds,
        unit="messages/s of one campaign, end to end",
        reference=f"ready-made bytes over {WORKERS} processes of {CONNECTIONS} connections, messages/s",
        reference_value=ready_made,
        peak_mib=usage.peak_mib,
        marks=[
            Mark("messages_per_s", N / seconds),
            Mark("messages_per_storecast_cpu_s", N / usage.storecast_s),
            Mark("postgres_cpu_s_per_100k", usage.postgres_s / N * 100_000),
            Mark("message_bytes", len(data)),
            Mark("largest_process_mib", usage.peak_mib, 200, "<="),
            Mark("lost", N - distinct, 0, "<="),
            Mark("duplicates", messages - distinct, 0, "<="),
        ],
    )


def main() -> None:
    """Start the world, measure, take it down."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "sink"
        url = f"smtp+unix://{socket}?connections={CONNECTIONS}"
        with sink(socket) as taken, stage(STORECAST_SMTP_URL=url) as at:
            measure(at, taken, socket)


if __name__ == "__main__":
    main()
