"""Sending through a provider's HTTP API: one request a message, several at once over connections that are kept.

A provider says how a request looks and what an answer means; everything else is here. A connection that breaks after
the request left makes its message unknown: the provider may have it. A provider that will not have us (credentials,
an account that is stopped) ends the batch, since every message after it would fail the same way.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol

import httpx
import orjson
import structlog
import uvloop

from storecast.kit.clock import utcnow
from storecast.messaging.channels.protocol import ChannelUnavailable, Outcome, Verdict
from storecast.messaging.channels.source import Source, told
from storecast.messaging.compose import Prepared
from storecast.observability import tracing
from storecast.resilience.circuit import CircuitOpen
from storecast.resilience.guard import Call, Guard, host_of

log = structlog.get_logger(__name__)

TIMEOUT = httpx.Timeout(60.0, connect=10.0, write=30.0, pool=30.0)
TOTAL_S = 120.0
"""httpx limits each step; an answer that trickles in would outlive the batch's lease."""

IDLE_S = 4.0
"""Providers close connections that are idle for longer; a message sent into one that is closing would be in doubt."""

MAX_ANSWER_BYTES = 64 * 1024
MAX_REPLY_CHARS = 500

MAX_WAIT_S = 10.0
"""A provider that asks for a longer rest gets it, but not inside of a batch."""


class Request(NamedTuple):
    """What is asked of a provider; ``content`` is the whole body."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes


class Judged(NamedTuple):
    """What an answer means. ``ends_batch``: the provider refuses us, not this message.

    ``knows_us``: it knows the key, which may not do what was asked; good enough for a probe that asked for more than
    sending takes.
    """

    verdict: Verdict
    text: str
    refused_address: bool = False
    ends_batch: bool = False
    knows_us: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer as far as it could be read."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; empty when it is none."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}


class Provider(Protocol):
    """What tells one provider's API from another's."""

    @property
    def name(self) -> str:
        """As logs and circuits name it."""
        ...

    @property
    def url(self) -> str:
        """Where its API is."""
        ...

    def probe(self, *, at: datetime) -> Request:
        """A request that changes nothing and succeeds when messages may be handed over."""
        ...

    def request(self, message: Prepared, *, at: datetime) -> Request:
        """Hand over one message."""
        ...

    def judge(self, answer: Answer) -> Judged:
        """What the answer to `request` means, beyond `judge_status`."""
        ...


def judge_status(answer: Answer, text: str) -> Judged:
    """What a status alone means, for all providers."""
    status = answer.status
    if 200 <= status < 300:
        return Judged(Verdict.ACCEPTED, text)
    if status in {401, 403}:
        return Judged(Verdict.TEMPORARY, text, ends_batch=True)
    if status == 504:
        # A gateway that gave up waiting for whoever may have taken it.
        return Judged(Verdict.UNKNOWN, text)
    if status in {408, 425, 429} or status >= 500:
        return Judged(Verdict.TEMPORARY, text)
    return Judged(Verdict.PERMANENT, text)


class HttpChannel:
    """Sends through one provider over several connections. Not for several threads."""

    def __init__(self, provider: Provider, guard: Guard | None = None, *, connections: int = 8) -> None:
        self._provider = provider
        self._guard = guard or Guard(None, None)
        self._connections = connections
        self._host = host_of(provider.url)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None
        self._welcome = False
        self._rest_until = 0.0
        self._ended: str | None = None

    def connect(self) -> None:
        """Make sure that the provider knows us; asked once, and again after it refused us."""
        self._run(self._refuse_rest())
        if not self._welcome:
            with self._guarded() as call:
                self._run(self._probe(call))
            self._welcome = True

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """Send until the messages are used up, or the provider will have no more of them."""
        self.connect()
        source = Source(messages)
        outcomes: list[Outcome] = []
        lanes = min(self._connections, len(messages)) if isinstance(messages, Sized) else self._connections
        self._ended = None
        with tracing.span(
            f"{self._provider.name}.send", kind="client", attributes={"server.address": self._host}
        ) as span:
            with self._guarded() as call:
                self._run(self._send(source, outcomes, lanes))
                if outcomes and not any(0 < outcome.code < 500 for outcome in outcomes):
                    call.failed(outcomes[-1].reply)
            verdicts = Counter(outcome.verdict for outcome in outcomes)
            span.set({f"storecast.messages.{verdict}": count for verdict, count in verdicts.items()})
        self._note_end()
        return told(outcomes, source)

    def _note_end(self) -> None:
        if self._ended is not None:
            log.warning("provider_ended_batch", provider=self._provider.name, reason=self._ended)
            self._welcome = False

    def close(self) -> None:
        """Close every connection and the loop."""
        if self._loop is None:
            return
        self._run(self._close_client())
        self._loop.close()
        self._loop = None

    @contextmanager
    def _guarded(self) -> Iterator[Call]:
        try:
            with self._guard.call(self._host, self._provider.name) as call:
                try:
                    yield call
                except ChannelUnavailable as error:
                    if error.host_failed:
                        call.failed(str(error))
                    else:
                        call.answered()
                    raise
        except CircuitOpen as error:
            wait_s = max(1, round(error.retry_after or 0))
            raise ChannelUnavailable(
                f"{self._provider.name} has been failing and is left alone for {wait_s} seconds."
            ) from error

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            self._loop = uvloop.new_event_loop()
        self._loop.run_until_complete(work)

    async def _close_client(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            limits = httpx.Limits(
                max_connections=self._connections,
                max_keepalive_connections=self._connections,
                keepalive_expiry=IDLE_S,
            )
            self._client = httpx.AsyncClient(
                timeout=TIMEOUT, limits=limits, follow_redirects=False, trust_env=False
            )
        return self._client

    async def _refuse_rest(self) -> None:
        wait_s = self._rest_until - asyncio.get_running_loop().time()
        if wait_s > MAX_WAIT_S:
            raise ChannelUnavailable(f"{self._provider.name} asks to wait for {round(wait_s)} seconds.")

    async def _probe(self, call: Call) -> None:
        name = self._provider.name
        try:
            answer = await self._exchange(self._provider.probe(at=utcnow()))
        except (httpx.HTTPError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise ChannelUnavailable(f"{name} cannot be reached: {why}", host_failed=True) from error
        judged = self._provider.judge(answer)
        if judged.verdict is Verdict.ACCEPTED or judged.knows_us:
            return
        text = judged.text
        call.answered()
        raise ChannelUnavailable(
            f"{name} answered {answer.status} {text}"[:MAX_REPLY_CHARS], host_failed=answer.status >= 500
        )

    async def _send(self, source: Source, outcomes: list[Outcome], lanes: int) -> None:
        results = await asyncio.gather(
            *(self._lane(source, outcomes) for _ in range(lanes)), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _lane(self, source: Source, outcomes: list[Outcome]) -> None:
        loop = asyncio.get_running_loop()
        while self._ended is None:
            wait_s = self._rest_until - loop.time()
            if wait_s > MAX_WAIT_S:
                return
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            message = next(source, None)
            if message is None:
                return
            outcomes.append(await self._deliver(message))

    async def _deliver(self, message: Prepared) -> Outcome:
        try:
            answer = await self._exchange(self._provider.request(message, at=utcnow()))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            # The request never left. Nothing behind it will either.
            self._ended = str(error) or type(error).__name__
            return Outcome(message.delivery_id, Verdict.TEMPORARY, 0, _short(f"not connected: {self._ended}"))
        except (httpx.HTTPError, TimeoutError) as error:
            why = f"{type(error).__name__} {error}".strip()
            return Outcome(message.delivery_id, Verdict.UNKNOWN, 0, _short(f"connection lost: {why}"))
        judged = self._provider.judge(answer)
        wait_s = 0.0
        if judged.verdict is Verdict.TEMPORARY:
            wait_s = retry_after_s(answer.headers)
            if wait_s:
                self._rest_until = max(self._rest_until, asyncio.get_running_loop().time() + wait_s)
        if judged.ends_batch:
            self._ended = f"{answer.status} {judged.text}"
        return Outcome(
            message.delivery_id,
            judged.verdict,
            answer.status,
            _short(judged.text),
            judged.refused_address,
            wait_s,
        )

    async def _exchange(self, request: Request) -> Answer:
        """One request. Once a status is here it counts, whatever becomes of the rest of the answer."""
        client = self._http()
        made = client.build_request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        async with asyncio.timeout(TOTAL_S):
            response = await client.send(made, stream=True)
        body = b""
        try:
            async with asyncio.timeout(TOTAL_S):
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER_BYTES:
                        break
        except (httpx.HTTPError, TimeoutError):
            log.info("provider_answer_broke_off", provider=self._provider.name, status=response.status_code)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, body)


def retry_after_s(headers: httpx.Headers) -> float:
    """The seconds of a Retry-After header (RFC 9110 §10.2.3: a number or a date); 0 without one."""
    value = headers.get("Retry-After", "")
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max((at.replace(tzinfo=at.tzinfo or UTC) - utcnow()).total_seconds(), 0.0)


def _short(text: str) -> str:
    return text.replace("\n", " ").replace("\x00", "")[:MAX_REPLY_CHARS]
