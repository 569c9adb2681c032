"""Browser sessions: every flaw of the library they stand on, closed and kept closed."""

import asyncio
import base64
import hashlib
import json
import pickle
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import itsdangerous
import pytest
import redis.asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from storecast.auth import sessions
from storecast.auth.sessions import ABSOLUTE, IDLE, BrowserSessions, RedisSessions, record_name

OLD, NEW = "old-session-secret-0123456789", "new-session-secret-0123456789"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class CountingRedis(redis.asyncio.Redis):
    """A real client that remembers the commands it sent."""

    commands: list[str]

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        self.commands.append(str(args[0]))
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[CountingRedis]:
    client = cast(CountingRedis, CountingRedis.from_url(redis_url))
    client.commands = []
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


Browser = httpx.AsyncClient
MakeBrowser = Callable[..., Browser]


async def show(request: Request) -> Response:
    return JSONResponse(dict(request.session))


async def put(request: Request) -> Response:
    request.session.update(await request.json())
    return Response(status_code=204)


async def sign_in(request: Request) -> Response:
    request.session.clear()
    request.session.update(shop_id=1, user_id="7")
    sessions.rotate(request)
    return Response(status_code=204)


async def clear(request: Request) -> Response:
    request.session.clear()
    return Response(status_code=204)


@pytest.fixture
def browser(store: CountingRedis, clock: Clock) -> MakeBrowser:
    """Browsers at an app whose sessions are in a real Redis."""

    def make(
        *,
        secrets: tuple[str, ...] = (NEW,),
        secure: bool = False,
        client: Any = None,
        cookie: str | None = None,
    ) -> Browser:
        methods = ["GET", "POST"]
        app = Starlette(
            routes=[
                Route("/", show),
                Route("/put", put, methods=methods),
                Route("/in", sign_in, methods=methods),
                Route("/out", clear, methods=methods),
            ]
        )
        backend = RedisSessions(client or store, clock=clock)
        wrapped = BrowserSessions(app, backend=backend, session_secrets=list(secrets), secure=secure)
        origin = "https://app.example" if secure else "http://app.example"
        made = httpx.AsyncClient(transport=httpx.ASGITransport(app=wrapped), base_url=origin)
        if cookie is not None:
            made.cookies.set("__Host-storecast" if secure else "storecast", cookie, domain="app.example")
        return made

    return make


def session_id(browser: Browser) -> str:
    """The id inside the browser's cookie, which is signed, not secret."""
    value = browser.cookies["storecast"].rsplit(".", 2)[0]
    return str(json.loads(base64.urlsafe_b64decode(value))["id"])


async def test_a_session_is_kept_in_redis_and_the_cookie_holds_an_id_alone(
    browser: MakeBrowser, store: CountingRedis
) -> None:
    client = browser()
    await client.post("/put", json={"shop_id": 4711})

    assert (await client.get("/")).json() == {"shop_id": 4711}
    assert "4711" not in str(base64.urlsafe_b64decode(client.cookies["storecast"].split(".")[0]))
    record = await store.get(record_name(session_id(client)))
    assert record is not None
    assert json.loads(record)["data"] == {"shop_id": 4711}


async def test_a_record_is_json_and_a_pickle_is_never_opened(
    browser: MakeBrowser, store: CountingRedis
) -> None:
    client = browser()
    await client.post("/put", json={"a": 1})

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("a pickle was opened",))

    await store.set(record_name(session_id(client)), pickle.dumps(Bomb()))
    assert (await client.get("/")).json() == {}


async def test_a_slow_redis_does_not_stop_other_requests(redis_url: str, browser: MakeBrowser) -> None:
    class Slow(redis.asyncio.Redis):
        async def execute_command(self, *args: Any, **options: Any) -> Any:
            await asyncio.sleep(0.2)
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    slow = Slow.from_url(redis_url)
    client = browser(client=slow)
    await client.post("/in")
    began = time.monotonic()
    await asyncio.gather(*[client.get("/") for _ in range(5)])
    assert time.monotonic() - began < 0.9  # one after the other they would take two seconds
    await slow.aclose()


async def test_a_session_whose_record_is_gone_is_empty_and_may_be_written(
    browser: MakeBrowser, store: CountingRedis
) -> None:
    client = browser()
    await client.post("/in")
    await store.flushall()
    assert (await client.post("/put", json={"a": 1})).status_code == 204
    assert (await client.get("/")).json() == {"a": 1}


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\x80\x04",
        b"null",
        b"[]",
        b'"text"',
        b'{"t0":"x","data":{}}',
        b'{"t0":1}',
        b'{"t0":true,"data":{}}',
    ],
)
async def test_a_record_that_is_not_ours_is_an_empty_session(
    browser: MakeBrowser, store: CountingRedis, record: bytes
) -> None:
    client = browser()
    await client.post("/in")
    await store.set(record_name(session_id(client)), record)
    answer = await client.get("/")
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("cookie", ["", "null", "a", "a.b", "a.b.c", "....", "%00", "x" * 5000])
async def test_a_malformed_cookie_is_dropped(browser: MakeBrowser, cookie: str) -> None:
    answer = await browser(cookie=cookie).get("/")
    assert (answer.status_code, answer.json()) == (200, {})
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "content", [b"null", b"[]", b"{}", b'{"id":5}', b'{"id":""}', b'{"_cssid":null}', b"\xff"]
)
async def test_a_signed_cookie_without_an_id_is_dropped(browser: MakeBrowser, content: bytes) -> None:
    cookie = signer(NEW).sign(base64.urlsafe_b64encode(content)).decode()
    assert (await browser(cookie=cookie).get("/")).json() == {}


async def test_a_planted_cookie_gets_a_new_id_at_sign_in_and_the_old_one_dies(
    browser: MakeBrowser, store: CountingRedis
) -> None:
    attacker = browser()
    await attacker.post("/put", json={"cart": 1})
    planted = attacker.cookies["storecast"]
    victim = browser(cookie=planted)

    await victim.post("/in")

    assert victim.cookies["storecast"] != planted
    assert (await victim.get("/")).json() == {"shop_id": 1, "user_id": "7"}
    assert (await attacker.get("/")).json() == {}
    assert await store.dbsize() == 1


async def test_signing_out_removes_the_record_and_the_cookie(
    browser: MakeBrowser, store: CountingRedis
) -> None:
    client = browser()
    await client.post("/in")
    stolen = client.cookies["storecast"]
    await client.post("/out")
    assert "storecast" not in client.cookies
    assert await store.dbsize() == 0
    assert (await browser(cookie=stolen).get("/")).json() == {}


async def test_use_prolongs_a_session_only_to_its_absolute_end(
    browser: MakeBrowser, store: CountingRedis, clock: Clock
) -> None:
    client = browser()
    await client.post("/in")
    name = record_name(session_id(client))
    assert await store.ttl(name) == pytest.approx(IDLE.total_seconds(), abs=2)

    clock.now = START + ABSOLUTE - timedelta(hours=1)
    await client.get("/")
    assert await store.ttl(name) == pytest.approx(3600, abs=2)

    await client.post("/put", json={"more": 1})
    assert await store.ttl(name) == pytest.approx(3600, abs=2)

    clock.now = START + ABSOLUTE
    assert (await client.get("/")).json() == {}
    assert await store.exists(name) == 0


async def test_an_idle_session_ends(browser: MakeBrowser, store: CountingRedis) -> None:
    client = browser()
    await client.post("/in")
    await store.pexpireat(record_name(session_id(client)), 1)
    assert (await client.get("/")).json() == {}


async def test_redis_holds_no_usable_id(browser: MakeBrowser, store: CountingRedis) -> None:
    client = browser()
    await client.post("/in")
    (key,) = await store.keys()
    assert bytes(key).startswith(b"storecast:session:")  # type: ignore[arg-type]
    assert session_id(client).encode() not in bytes(key)  # type: ignore[arg-type]


async def test_a_cookie_of_the_secret_before_is_good_and_a_new_one_is_signed_with_the_new(
    browser: MakeBrowser, clock: Clock
) -> None:
    before = browser(secrets=(OLD,))
    await before.post("/in")
    cookie = before.cookies["storecast"]

    during = browser(secrets=(NEW, OLD), cookie=cookie)
    assert (await during.get("/")).json() == {"shop_id": 1, "user_id": "7"}
    await during.post("/in")
    after = browser(secrets=(NEW,), cookie=during.cookies["storecast"])
    assert (await after.get("/")).json() == {"shop_id": 1, "user_id": "7"}
    assert (await browser(secrets=(NEW,), cookie=cookie).get("/")).json() == {}


async def test_signatures_are_sha256_under_a_salt_of_our_own(browser: MakeBrowser) -> None:
    client = browser()
    await client.post("/in")
    cookie = client.cookies["storecast"].encode()
    signer(NEW).unsign(cookie)
    with pytest.raises(itsdangerous.BadSignature):
        itsdangerous.TimestampSigner(NEW).unsign(cookie)


async def test_reading_writes_neither_redis_nor_the_cookie(
    browser: MakeBrowser, store: CountingRedis
) -> None:
    client = browser()
    await client.post("/in")
    store.commands.clear()
    answer = await client.get("/")
    assert "Set-Cookie" not in answer.headers
    assert "SET" not in store.commands


async def test_a_change_keeps_id_and_cookie(browser: MakeBrowser) -> None:
    client = browser()
    await client.post("/in")
    answer = await client.post("/put", json={"more": 1})
    assert "Set-Cookie" not in answer.headers
    assert (await client.get("/")).json() == {"shop_id": 1, "user_id": "7", "more": 1}


async def test_without_a_cookie_redis_is_not_asked(browser: MakeBrowser, store: CountingRedis) -> None:
    await browser().get("/")
    assert store.commands == []


async def test_while_redis_is_away_a_browser_is_signed_out_and_its_cookie_kept(browser: MakeBrowser) -> None:
    client = browser()
    await client.post("/in")
    cookie = client.cookies["storecast"]
    away = redis.asyncio.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    offline = browser(client=away, cookie=cookie)

    answer = await offline.get("/")

    assert (answer.status_code, answer.json()) == (200, {})
    assert "Set-Cookie" not in answer.headers
    assert (await client.get("/")).json() == {"shop_id": 1, "user_id": "7"}
    fresh = await browser(client=away).post("/in")
    assert (fresh.status_code, "Set-Cookie" in fresh.headers) == (204, False)


async def test_the_flags_of_the_cookie(browser: MakeBrowser) -> None:
    plain = (await browser().post("/in")).headers["Set-Cookie"]
    secure = (await browser(secure=True).post("/in")).headers["Set-Cookie"]
    assert secure.startswith("__Host-storecast=")
    for cookie in (plain.lower(), secure.lower()):
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
        assert "domain=" not in cookie
    assert "secure" in secure.lower()
    assert "secure" not in plain.lower()


async def test_a_session_is_no_place_for_documents(store: CountingRedis) -> None:
    with pytest.raises(ValueError, match="not documents"):
        await RedisSessions(store).set("id", {"page": "x" * 10_000})


def signer(secret: str) -> itsdangerous.TimestampSigner:
    return itsdangerous.TimestampSigner(secret, salt="storecast.session", digest_method=hashlib.sha256)
