"""The console over millions of finished jobs: p95 of every list, count, search and figure, and what the stream costs.

`N=5000000 make bench-console` (N finished jobs of 30 days; ROUNDS=20 calls of each kind). Calls go over HTTP to a
uvicorn process of its own and include authentication. Beside them: the same history asked by primary key on a bare
connection. The stream is watched by WATCHERS=50 while jobs come and end; its cost is the CPU of the API and of its
database connections, less what both use while nobody watches.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import jwt
import psutil
import psycopg

from benchmarks.console_rows import fill
from benchmarks.report import Mark, finish
from benchmarks.stage import BACKEND, SHOP, Stage, stage

N = int(os.environ.get("N", "5000000"))
LIVE = max(200, min(50_000, N // 20))
ROUNDS = int(os.environ.get("ROUNDS", "20" if N >= 100_000 else "2"))
WATCHERS = int(os.environ.get("WATCHERS", "50"))
WATCH_S = float(os.environ.get("WATCH_S", "30" if N >= 100_000 else "5"))
CHURN_PER_S = 20
# The first snapshots read what the later ones keep, and 50 sign-ins are no part of watching.
SETTLE_S = WATCH_S / 2
GOAL_MS = 200.0
GOAL_CORE = 0.02

OPERATOR, OWNER = "1", "2"
SECRET = "benchmark-secret-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of request."""

    name: str
    path: str
    user: str = OPERATOR


def token(user: str) -> str:
    """An ID token, good for the next minutes."""
    now = int(time.time())
    claims = {
        "iss": f"https://{SHOP}/admin", "dest": f"https://{SHOP}", "aud": "bench", "sub": user, "exp": now + 290,
        "nbf": now, "iat": now, "jti": uuid4().hex, "sid": "bench",
    }  # fmt: skip
    return jwt.encode(claims, SECRET, algorithm="HS256")


def seed_members(at: Stage) -> None:
    """An operator and an owner of the shop with most of the jobs."""
    with psycopg.connect(at.dsn) as connection:
        for user, role in ((OPERATOR, "operator"), (OWNER, "owner")):
            connection.execute(
                "INSERT INTO shop_members (shop_id, shopify_user_id, email, name, role, last_seen_at) "
                "VALUES (%s, %s, 'b@bench.example', 'Bench', %s, now())",
                [at.shop_id, user, role],
            )
        connection.execute(
            "UPDATE shops SET scopes = '{read_customers,write_customers,read_orders,read_products,write_pixels,"
            "read_customer_events}' WHERE id = %s",
            [at.shop_id],
        )
    os.environ.update(at.environment)
    from storecast.db.session import close_engines, platform_session
    from storecast.kit.types import ShopId
    from storecast.shopify.oauth import Grant
    from storecast.shops import tokens

    with platform_session() as session:
        tokens.store(session, ShopId(at.shop_id), Grant("shpat_bench", None, (), None, None))
    close_engines()


def roll_up() -> float:
    """The roll-up over all of it; runs a second."""
    from storecast.db.session import close_engines, platform_session
    from storecast.jobs import figures
    from storecast.kit.clock import utcnow

    started = time.perf_counter()
    more = True
    while more:
        with platform_session() as session:
            more = figures.roll_up(session, now=utcnow())
    close_engines()
    return N / (time.perf_counter() - started)


@contextmanager
def api(at: Stage) -> Iterator[tuple[str, psutil.Process]]:
    """One API process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "uvicorn", "storecast.entrypoints.api:app", "--port", str(port), "--no-access-log",
    ]  # fmt: skip
    with ExitStack() as stack:
        log = stack.enter_context((at.folder / "api.log").open("wb"))
        process = subprocess.Popen(
            command, cwd=BACKEND, env={**os.environ, **at.environment}, stdout=log, stderr=log
        )
        stack.callback(process.wait, 60)
        stack.callback(process.terminate)
        deadline = time.perf_counter() + 60
        while True:
            try:
                if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            if process.poll() is not None or time.perf_counter() > deadline:
                raise RuntimeError((at.folder / "api.log").read_text()[-3000:])
            time.sleep(0.1)
        try:
            yield url, psutil.Process(process.pid)
        except Exception:
            print((at.folder / "api.log").read_text()[-5000:], file=sys.stderr)
            raise


def calls(url: str) -> list[Call]:
    """Every list, count, search and figure of the pages."""
    headers = {"Authorization": f"Bearer {token(OPERATOR)}"}
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=120) as client:
        dead = client.get("/jobs?state=dead").raise_for_status().json()["items"]
        page = client.get("/jobs").raise_for_status().json()
        for _ in range(20):
            page = client.get("/jobs", params={"cursor": page["next_cursor"]}).raise_for_status().json()
            if page["next_cursor"] is None:
                break
        groups = client.get("/dead-letters").raise_for_status().json()["items"]
    job_id, fingerprint = dead[0]["id"], groups[0]["fingerprint"]
    batch = next((job["batch_id"] for job in page["items"] if job["batch_id"]), job_id)
    searches = {
        "shop": "shop:shop150.myshopify.com", "big shop": f"shop:{SHOP}", "tag": "tag:source:user",
        "arg": "arg.customer_id:77",
        "arg of one": "arg.order_id:4711", "no such arg": "arg.customer_id:none", "error text": 'error:"answered 503"',
        "no such error": "error:unheard", "class": "class:Fault3", "fingerprint": f"fingerprint:{fingerprint}",
        "root": f"root:{job_id}", "batch": f"batch:{batch}", "name": "name:ai.draft_copy", "queue": "queue:ai",
        "worker": "worker:worker3@bench", "id": f"id:{job_id}", "word": "campaigns", "word of nothing": "nonesuch",
        "two": "name:campaigns.send_batch arg.customer_id:77",
        "queue and shop": "queue:critical shop:shop150.myshopify.com",
        "shop and tag": "shop:shop190.myshopify.com tag:source:webhook",
    }  # fmt: skip
    states = ("scheduled", "staged", "queued", "running", "retrying", "succeeded", "dead", "cancelled")
    found = [Call("list", "/jobs")]
    found += [Call(f"list {state}", f"/jobs?state={state}") for state in states]
    if page["next_cursor"]:
        found.append(Call("list, 20 pages on", f"/jobs?{urlencode({'cursor': page['next_cursor']})}"))
    for name, q in searches.items():
        found.append(Call(f"search {name}", f"/jobs?{urlencode({'q': q})}"))
        found.append(Call(f"count {name}", f"/jobs/count?{urlencode({'q': q})}"))
        found.append(Call(f"search dead, {name}", f"/jobs?{urlencode({'q': q, 'state': 'dead'})}"))
    found += [Call(f"count {state}", f"/jobs/count?state={state}") for state in states]
    found += [
        Call(f"suggest {q!r}", f"/jobs/suggest?{urlencode({'q': q})}")
        for q in (
            "",
            "s",
            "camp",
            "tag:so",
            "shop:shop1",
            "arg.",
            "arg.customer_id:7",
            "class:F",
            "error:",
            "worker:w",
        )
    ]
    found += [
        Call("job", f"/jobs/{job_id}"), Call("logs", f"/jobs/{job_id}/logs"), Call("family", f"/jobs/{job_id}/family"),
        Call("dead letters", "/dead-letters"),
        Call("dead letters of a shop", f"/dead-letters?{urlencode({'q': f'shop:{SHOP}'})}"),
        Call("dead letters of a kind", "/dead-letters?q=name%3Acampaigns.send_batch"),
        Call("dead letter", f"/dead-letters/{fingerprint}"), Call("summary", "/jobs/summary"),
        Call("queues", "/queues"),
        Call("limits", "/limits"), Call("health strip", "/health-strip"), Call("workers", "/workers"),
        Call("schedules", "/schedules"), Call("workflows", "/workflows"),
    ]  # fmt: skip
    for window in ("1h", "24h", "7d"):
        found.append(Call(f"figures {window}", f"/jobs/figures?window={window}"))
        found.append(Call(f"series {window}", f"/jobs/series?window={window}"))
        found.append(Call(f"series {window} of a queue", f"/jobs/series?window={window}&queue=bulk"))
        found.append(
            Call(f"series {window} of a kind", f"/jobs/series?window={window}&name=campaigns.send_batch")
        )
    merchant = ("/jobs", "/jobs?state=dead", "/jobs/count", "/jobs/summary", "/tasks", "/jobs?q=tag%3Asource%3Auser",
                "/jobs/count?q=tag%3Asource%3Auser", "/jobs?q=arg.customer_id%3A77", "/dead-letters")  # fmt: skip
    return found + [Call(f"merchant {path}", path, OWNER) for path in merchant]


def p95_ms(samples: list[float]) -> float:
    """Of seconds, by nearest rank."""
    ordered = sorted(samples)
    return 1000 * ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


def measure(url: str, wanted: list[Call]) -> dict[str, float]:
    """The p95 of every call, in rounds, so that a slow moment of the machine meets all of them."""
    samples: dict[str, list[float]] = {call.name: [] for call in wanted}
    with httpx.Client(base_url=f"{url}/api/v1", timeout=120) as client:
        for round_number in range(ROUNDS + 1):
            tokens = {user: token(user) for user in (OPERATOR, OWNER)}
            for call in wanted:
                headers = {"Authorization": f"Bearer {tokens[call.user]}"}
                started = time.perf_counter()
                answer = client.get(call.path, headers=headers)
                seconds = time.perf_counter() - started
                if answer.status_code != 200:
                    raise RuntimeError(f"{call.name}: {answer.status_code} {answer.text[:500]}")
                # The first round loads code and fills caches, of which a running process has both.
                if round_number:
                    samples[call.name].append(seconds)
    return {name: p95_ms(seconds) for name, seconds in samples.items()}


def by_primary_key(at: Stage) -> float:
    """The reference: one run by its key over a bare connection, p95 in ms."""
    with psycopg.connect(at.dsn, autocommit=True) as connection:
        keys = connection.execute("SELECT id FROM job_runs TABLESAMPLE SYSTEM (0.5) LIMIT 200").fetchall()
        keys = keys or connection.execute("SELECT id FROM job_runs LIMIT 200").fetchall()
        samples = []
        for key in keys:
            started = time.perf_counter()
            connection.execute("SELECT * FROM job_runs WHERE id = %s", key, prepare=True).fetchone()
            samples.append(time.perf_counter() - started)
    return p95_ms(samples)


@contextmanager
def churn(at: Stage) -> Iterator[None]:
    """Jobs that come, run and end: something changes in every snapshot."""
    stopped = threading.Event()
    begin = """
        INSERT INTO outbox (id, shop_id, name, queue, args, state, attempt, max_attempts, started_at, lease_until,
                            worker)
        SELECT gen_random_uuid(), %(shop)s, 'webhooks.drain', 'critical', '{}', 'running', 1, 8, now(),
               now() + interval '1 minute', 'w' FROM generate_series(1, %(count)s)
    """
    end = """
        WITH over AS (DELETE FROM outbox WHERE worker = 'w' RETURNING *)
        INSERT INTO job_runs (id, shop_id, name, queue, args, state, attempt, max_attempts, started_at, run_at,
                              enqueued_at, finished_at)
        SELECT id, shop_id, name, queue, args, 'succeeded', 1, 8, started_at, run_at, enqueued_at, clock_timestamp()
          FROM over
    """

    def run() -> None:
        with psycopg.connect(at.dsn, autocommit=True, application_name="churn") as connection:
            while not stopped.wait(1.0):
                connection.execute(end)
                connection.execute(begin, {"shop": at.shop_id, "count": CHURN_PER_S})

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def cpu_s(at: Stage, process: psutil.Process) -> float:
    """CPU of the API and of the database's processes that serve it, so far."""
    with psycopg.connect(at.dsn) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'storecast %'"
        ).fetchall()
    total = 0.0
    for each in [process, *(psutil.Process(pid) for (pid,) in rows)]:
        times = each.cpu_times()
        total += times.user + times.system
    return total


def watch(
    url: str, user: str, count: int, events: list[int], stopped: threading.Event
) -> list[threading.Thread]:
    """So many clients of one user, each counting its events."""

    def run(number: int) -> None:
        headers = {"Authorization": f"Bearer {token(user)}"}
        with (
            httpx.Client(timeout=httpx.Timeout(60)) as client,
            client.stream("GET", f"{url}/api/v1/jobs/stream", headers=headers) as answer,
        ):
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                events[number] += chunk.count(b"event: snapshot")
                if stopped.is_set():
                    return

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def cost_of_stream(at: Stage, url: str, process: psutil.Process) -> dict[str, tuple[float, float]]:
    """Cores that the stream takes and events a second of each watcher: for operators, and for one busy shop."""

    def cores(act: Callable[[], None]) -> float:
        before, started = cpu_s(at, process), time.perf_counter()
        act()
        return (cpu_s(at, process) - before) / (time.perf_counter() - started)

    found = {}
    with churn(at):
        idle = cores(lambda: time.sleep(WATCH_S))
        for user, count in ((OPERATOR, WATCHERS), (OWNER, max(1, WATCHERS // 10))):
            stopped, events = threading.Event(), [0] * count
            threads = watch(url, user, count, events, stopped)
            deadline = time.perf_counter() + 60
            while min(events) == 0 and time.perf_counter() < deadline:
                time.sleep(0.1)
            if min(events) == 0:
                raise RuntimeError("a watcher saw nothing")
            time.sleep(SETTLE_S)
            before = sum(events)
            busy = cores(lambda: time.sleep(WATCH_S))
            found[user] = (max(0.0, busy - idle), (sum(events) - before) / count / WATCH_S)
            stopped.set()
            for thread in threads:
                thread.join(30)
    return found


def report(
    p95: dict[str, float], reference: float, stream: dict[str, tuple[float, float]], rate: float, peak: float
) -> None:
    """Every call by name, then the marks."""
    print()
    for name, ms in sorted(p95.items(), key=lambda item: -item[1]):
        print(f"  {ms:9.1f} ms   {name}")
    worst = max(p95.values())
    finish(
        "console",
        value=worst,
        unit="ms p95 of the slowest of the console's calls",
        reference="one run by primary key on a bare connection, ms p95",
        reference_value=reference,
        peak_mib=peak,
        marks=[
            Mark("worst_call_p95_ms", worst, GOAL_MS, "<="),
            Mark("calls_measured", len(p95)),
            Mark("calls_over_200_ms", sum(ms > GOAL_MS for ms in p95.values()), 0, "<="),
            Mark("median_call_p95_ms", sorted(p95.values())[len(p95) // 2]),
            Mark(f"stream_cores_{WATCHERS}_watchers", stream[OPERATOR][0], GOAL_CORE, "<="),
            Mark("stream_events_per_s", stream[OPERATOR][1]),
            Mark("stream_cores_of_one_busy_shop", stream[OWNER][0]),
            Mark("stream_events_per_s_of_the_shop", stream[OWNER][1]),
            Mark("rolled_up_runs_per_s", rate),
        ],
    )


def main() -> None:
    """Fill, measure, report."""
    with stage(SHOPIFY_API_SECRET=SECRET) as at:
        seed_members(at)
        fill(at.dsn, N, LIVE)
        rate = roll_up()
        print(f"  rolled up at {rate:,.0f} runs/s", flush=True)
        with psycopg.connect(at.dsn, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE job_minutes, job_hours")
        with api(at) as (url, process):
            p95 = measure(url, calls(url))
            peak = process.memory_info().rss / 2**20
            stream = cost_of_stream(at, url, process)
        report(p95, by_primary_key(at), stream, rate, peak)


if __name__ == "__main__":
    main()
