"""A circuit breaker per external host, whose state all processes share in Redis.

closed → open when enough calls of a window failed → half-open when its time is over: exactly one call goes through
as the probe, and its outcome closes or opens the circuit. Each step is one script, so that two processes cannot both
be the probe; times are Redis's own. A probe whose process died gives way after its lease, and what it says later is
not believed. Keys expire: a host that nobody calls is forgotten, and a healthy one has no key at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Literal

import redis

from storecast.kit.errors import Retryable

State = Literal["closed", "open", "half_open"]

PREFIX = "storecast:circuit:"
INDEX = "storecast:circuits"
"""The hosts that have a key: a list of them must not walk through all of Redis."""

SLICES = 6
"""A window is counted in so many pieces: failures leave it one piece at a time."""

LINGER_S = 900
"""An open circuit that nobody asks for is forgotten this long after its probe was due."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When a circuit opens, and for how long."""

    failures: int = 5
    """Fewer in a window say nothing: a deploy of the host's costs a few connections."""

    share: float = 0.5
    """Of the calls since the trouble began. A host that answers most of them is used; jobs try the rest again."""

    window_s: float = 60.0
    first_open_s: float = 15.0
    max_open_s: float = 60.0
    """Doubled from the first up to here: one call a minute costs nobody anything, and finds the host back soon."""

    probe_s: float = 130.0
    """Longer than any one answer is waited for; two minutes for a mail server's is the longest."""

    busy_s: float = 5.0
    """What a call is told while the probe is out: about as long as a probe takes."""


class CircuitOpen(Retryable):
    """The host has been failing; ``retry_after`` is the time until somebody may ask it again."""

    code = "circuit_open"
    title = "A service that this needs has been failing; the next try comes by itself"

    def __init__(self, host: str, retry_after: float) -> None:
        super().__init__(f"{host} has been failing; it is left alone for now", retry_after=retry_after)
        self.host = host


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to call a host once. ``troubled``: the outcome must be reported even when it is good."""

    host: str
    service: str
    started_ms: int
    troubled: bool = False
    probe: str = ""


@dataclass(frozen=True, slots=True)
class Circuit:
    """One host's circuit as it stands."""

    host: str
    service: str
    state: State
    failures: int
    opened_at: datetime | None
    probe_at: datetime | None
    last_error: str | None


_CLOCK = """
local now = tonumber(ARGV[1])
if now < 0 then local t = redis.call('time'); now = t[1] * 1000 + math.floor(t[2] / 1000) end
"""

_ADMIT = (
    _CLOCK
    + """
local probe_ms, max_open_ms, busy_ms, token = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local known = redis.call('hmget', KEYS[1], 'open_until', 'probe_until', 'service')
if not known[1] then return {'pass', known[3] and 1 or 0, now} end
local open_ms, out_ms = tonumber(known[1]) - now, tonumber(known[2] or 0) - now
-- A clock that jumped back must not keep a circuit open for as long as it jumped.
if open_ms > max_open_ms then
  open_ms = max_open_ms
  redis.call('hset', KEYS[1], 'open_until', now + max_open_ms)
end
if open_ms > 0 then return {'open', open_ms, now} end
if out_ms > 0 and out_ms <= probe_ms then return {'open', math.min(out_ms, busy_ms), now} end
redis.call('hset', KEYS[1], 'probe', token, 'probe_until', now + probe_ms)
redis.call('pexpire', KEYS[1], ARGV[6])
return {'probe', 0, now}
"""
)

_SETTLE = (
    _CLOCK
    + """
local outcome, host, token, started = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local least, share, slice_ms, slices = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local first_ms, max_ms, linger_ms = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local service, reason = ARGV[13], ARGV[14]

local function remember(ms)
  redis.call('pexpire', KEYS[1], ms)
  redis.call('zadd', KEYS[2], now + ms, host)
end

local function open(times, failures)
  local ms = math.min(max_ms, first_ms * 2 ^ math.min(times - 1, 20))
  local since = redis.call('hget', KEYS[1], 'opened_at') or now
  redis.call('del', KEYS[1])
  redis.call('hset', KEYS[1], 'service', service, 'opened_at', since, 'open_until', now + ms, 'times', times,
             'failures', failures, 'reason', reason)
  remember(ms + linger_ms)
end

local function close()
  redis.call('del', KEYS[1])
  -- Calls from before the close may still fail; the next trouble begins after it.
  redis.call('hset', KEYS[1], 'service', service, 'closed_at', now)
  remember(slice_ms * slices)
end

if token ~= '' then
  if redis.call('hget', KEYS[1], 'probe') ~= token then return 'late' end
  if outcome == 'ok' then close() return 'closed' end
  if outcome == 'given_up' then redis.call('hdel', KEYS[1], 'probe', 'probe_until') return 'released' end
  local times = tonumber(redis.call('hget', KEYS[1], 'times'))
  local failures = tonumber(redis.call('hget', KEYS[1], 'failures'))
  open(times + 1, failures + 1)
  return 'reopened'
end

if outcome == 'given_up' or redis.call('hexists', KEYS[1], 'open_until') == 1 then return 'ignored' end
local closed_at = tonumber(redis.call('hget', KEYS[1], 'closed_at') or 0)
if started < closed_at and closed_at <= now then return 'ignored' end
local slice = math.floor(now / slice_ms)
if outcome == 'ok' then
  -- Without trouble there is nothing to weigh it against.
  if redis.call('exists', KEYS[1]) == 1 then redis.call('hincrby', KEYS[1], 'ok:' .. slice, 1) end
  return 'counted'
end
redis.call('hincrby', KEYS[1], 'failed:' .. slice, 1)
redis.call('hset', KEYS[1], 'service', service, 'reason', reason)
local failed, good = 0, 0
local all = redis.call('hgetall', KEYS[1])
for at = 1, #all, 2 do
  local kind, number = string.match(all[at], '^(%a+):(%d+)$')
  if kind then
    local age = slice - tonumber(number)
    if age < 0 or age >= slices then redis.call('hdel', KEYS[1], all[at])
    elseif kind == 'failed' then failed = failed + tonumber(all[at + 1])
    else good = good + tonumber(all[at + 1]) end
  end
end
if failed >= least and failed >= share * (failed + good) then open(1, failed) return 'opened' end
remember(slice_ms * slices)
return 'counted'
"""
)

_CLOSE = (
    _CLOCK
    + """
local service = redis.call('hget', KEYS[1], 'service')
if not service then return 0 end
redis.call('del', KEYS[1])
redis.call('hset', KEYS[1], 'service', service, 'closed_at', now)
redis.call('pexpire', KEYS[1], ARGV[2])
redis.call('zadd', KEYS[2], now + tonumber(ARGV[2]), ARGV[3])
return 1
"""
)

Settled = Literal["late", "closed", "released", "reopened", "ignored", "counted", "opened"]


class Circuits:
    """The circuits of all hosts. Every method raises redis.RedisError when Redis is away."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        policy: Policy | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._redis = client
        self._policy = policy or Policy()
        self._clock = clock
        self._admit = client.register_script(_ADMIT)
        self._settle = client.register_script(_SETTLE)
        self._close = client.register_script(_CLOSE)

    def admit(self, host: str, service: str) -> Pass:
        """Leave for one call; raises CircuitOpen while the host is left alone."""
        policy, token = self._policy, token_hex(8)
        verdict, value, now = self._admit(
            keys=[PREFIX + host],
            args=[
                self._now(),
                _ms(policy.probe_s),
                _ms(policy.max_open_s),
                _ms(policy.busy_s),
                token,
                _ms(policy.probe_s + LINGER_S),
            ],
        )
        if verdict == b"open":
            raise CircuitOpen(host, value / 1000)
        if verdict == b"probe":
            return Pass(host, service, now, troubled=True, probe=token)
        return Pass(host, service, now, troubled=bool(value))

    def settle(self, leave: Pass, outcome: Literal["ok", "failed", "given_up"], reason: str = "") -> Settled:
        """Report how the call ended. ``given_up``: nothing was learnt about the host."""
        policy = self._policy
        settled: bytes = self._settle(
            keys=[PREFIX + leave.host, INDEX],
            args=[
                self._now(),
                outcome,
                leave.host,
                leave.probe,
                leave.started_ms,
                policy.failures,
                policy.share,
                _ms(policy.window_s / SLICES),
                SLICES,
                _ms(policy.first_open_s),
                _ms(policy.max_open_s),
                _ms(LINGER_S),
                leave.service,
                reason[:200],
            ],
        )
        return settled.decode()  # type: ignore[return-value]  # the script returns these words only

    def close(self, host: str) -> bool:
        """Close by hand; False when there is no such circuit."""
        linger_ms = _ms(self._policy.window_s)
        return bool(self._close(keys=[PREFIX + host, INDEX], args=[self._now(), linger_ms, host]))

    def list_all(self) -> list[Circuit]:
        """Every host that was in trouble lately, those in trouble now first."""
        now_ms = self._now() if self._clock else _redis_ms(self._redis)
        self._redis.zremrangebyscore(INDEX, "-inf", now_ms)
        hosts = [bytes(host).decode() for host in self._redis.zrange(INDEX, 0, -1)]  # type: ignore[arg-type]  # no scores asked for
        pipeline = self._redis.pipeline(transaction=False)
        for host in hosts:
            pipeline.hgetall(PREFIX + host)
        found = [
            self._read(host, fields, now_ms)
            for host, fields in zip(hosts, pipeline.execute(), strict=True)
            if fields
        ]
        order: dict[State, int] = {"open": 0, "half_open": 1, "closed": 2}
        return sorted(found, key=lambda each: (order[each.state], -each.failures, each.host))

    def _read(self, host: str, fields: dict[bytes, bytes], now_ms: int) -> Circuit:
        oldest = now_ms // _ms(self._policy.window_s / SLICES) - SLICES
        failures = sum(
            int(value)
            for name, value in fields.items()
            if name.startswith(b"failed:") and int(name.partition(b":")[2]) > oldest
        )
        state: State = "closed"
        if b"open_until" in fields:
            failures = int(fields[b"failures"])
            state = "open" if int(float(fields[b"open_until"])) > now_ms else "half_open"
        return Circuit(
            host=host,
            service=fields[b"service"].decode(),
            state=state,
            failures=failures,
            opened_at=_instant(fields.get(b"opened_at")),
            probe_at=_instant(fields.get(b"open_until")),
            last_error=fields[b"reason"].decode() if b"reason" in fields else None,
        )

    def _now(self) -> int:
        """-1: the script asks Redis, whose clock is the one that all processes share."""
        return -1 if self._clock is None else _ms(self._clock())


def _redis_ms(client: redis.Redis) -> int:
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _instant(ms: bytes | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(float(ms) / 1000, UTC)
