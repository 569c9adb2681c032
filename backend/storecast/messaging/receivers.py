"""How fast each receiver lets a sender domain write to it: refusals for now halve the pace, success raises it again.

Additive increase, multiplicative decrease, as TCP keeps to a path: whoever has refused nothing is not paced and costs
one question a chunk; whoever answers 4xx (421, 451, …) is written to at half the speed it was, once a second while it
goes on refusing, and faster again with every second in which it takes what it gets, until the pace of before is
reached and forgotten. All workers share what is known, in Redis; while that is away nobody is paced.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple, cast

import redis
import structlog

from storecast.config.settings import get_settings
from storecast.kit.types import ShopId
from storecast.resilience.guard import make_redis

log = structlog.get_logger(__name__)

PREFIX = "storecast:receivers:"

LEAST_PER_S = 0.1
"""A receiver that refuses everything is asked again every ten seconds, and by one message."""

REFUSED_SHARE = 0.05
"""Of a chunk's messages to one receiver. Fewer are about the messages or their recipients, not about the pace."""

RECOVERY_S = 60.0
"""The pace of before is reached again so long after the last refusal, at most."""

AT_ONCE_S = 1.0
"""So much of the pace may go out in one go."""

FORGOTTEN_S = 3_600
LONGEST_WAIT_S = 120.0
"""A message is put off for so long at once, at most: the receiver may have recovered by then."""

AWAY_S = 5.0

_GROUPS = {
    "google": ("gmail.com", "googlemail.com"),
    "microsoft": ("outlook.com", "hotmail.com", "live.com", "msn.com"),
    "yahoo": ("yahoo.com", "ymail.com", "rocketmail.com", "aol.com"),
    "apple": ("icloud.com", "me.com", "mac.com"),
    "gmx": ("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "web.de"),
}
_GROUP_OF = {domain: group for group, domains in _GROUPS.items() for domain in domains}

# A receiver is five numbers: the pace a second, the pace of before, when the next message may go, when the pace was
# last cut and when it was last raised (ms).
_NOTE = """
local now, refused, speed = tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local least, recovery = tonumber(ARGV[5]), tonumber(ARGV[6])
local known = redis.call('hget', KEYS[1], ARGV[1])
local rate, top, due, cut, raised
if known then
  rate, top, due, cut, raised = string.match(known, '(%S+) (%S+) (%S+) (%S+) (%S+)')
  rate, top, due, cut, raised = tonumber(rate), tonumber(top), tonumber(due), tonumber(cut), tonumber(raised)
end
if refused then
  if not known then
    top = math.max(speed, 2 * least)
    rate, due, cut, raised = top / 2, now, now, now
  elseif now - cut >= 1000 then
    rate, cut, raised = math.max(rate / 2, least), now, now
  else
    return ''
  end
else
  if not known then return '' end
  rate = rate + top * math.min(math.max(now - raised, 0) / 1000, 1) / recovery
  raised = math.max(now, raised)
  if rate >= top then
    redis.call('hdel', KEYS[1], ARGV[1])
    return 'free'
  end
end
local said = string.format('%.6f %.6f %.0f %.0f %.0f', rate, top, due, cut, raised)
redis.call('hset', KEYS[1], ARGV[1], said)
redis.call('expire', KEYS[1], ARGV[7])
return said
"""

_TAKE = """
local now, wanted, burst = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('hget', KEYS[1], ARGV[1])
if not known then return '' end
local rate, top, due, rest = string.match(known, '(%S+) (%S+) (%S+) (.+)')
rate = tonumber(rate)
due = math.max(tonumber(due), now)
local granted = math.floor(math.max(now + burst - due, 0) / 1000 * rate)
if due == now then granted = math.max(granted, 1) end
granted = math.min(granted, wanted)
due = due + granted * 1000 / rate
redis.call('hset', KEYS[1], ARGV[1], string.format('%.6f %s %.0f %s', rate, top, due, rest))
return string.format('%d %.0f %.6f', granted, due - now, rate)
"""


class Room(NamedTuple):
    """What a receiver takes now: so many messages, the next one after ``wait_s``, and then so many a second."""

    granted: int
    wait_s: float
    per_s: float

    def turn(self, number: int) -> timedelta:
        """How long the message waits for which there was no room, as one of so many."""
        return timedelta(seconds=min(self.wait_s + (number + 1) / self.per_s, LONGEST_WAIT_S))


def receiver_of(email: str) -> str:
    """Whose servers take mail for the address: a large provider under one name, or else its domain."""
    domain = email.rpartition("@")[2].lower()
    return _GROUP_OF.get(domain, domain)


class Receivers:
    """What a shop's sender domains have learnt of their receivers, for all processes together."""

    def __init__(self, client: redis.Redis, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._note = client.register_script(_NOTE)
        self._take = client.register_script(_TAKE)
        self._clock = clock
        self._away_until = 0.0

    def paced(self, shop_id: ShopId, sender_domain: str) -> Collection[str]:
        """The receivers that are written to more slowly now; nearly always none."""
        key = _key(shop_id, sender_domain)
        found = self._ask(lambda: cast(list[bytes], self._client.hkeys(key)))
        return frozenset(map(_text, found or ()))

    def take(self, shop_id: ShopId, sender_domain: str, receiver: str, wanted: int) -> Room | None:
        """Take room for up to so many messages; None when the receiver is not paced any more."""
        given: list[str | int | float] = [receiver, self._now_ms(), wanted, round(AT_ONCE_S * 1000)]
        said = self._ask(lambda: self._take(keys=[_key(shop_id, sender_domain)], args=given))
        if not said:
            return None
        granted, wait_ms, per_s = _text(said).split()
        return Room(int(granted), float(wait_ms) / 1000, float(per_s))

    def note(
        self,
        shop_id: ShopId,
        sender_domain: str,
        taken: Iterable[str],
        refused: Mapping[str, int],
        *,
        seconds: float,
    ) -> None:
        """Learn from a chunk that took so long: the receivers of the messages that were ``taken``, one by one, and
        how many each has ``refused`` for now."""
        accepted = Counter(taken)
        for receiver in accepted.keys() | refused.keys():
            count = accepted[receiver] + refused.get(receiver, 0)
            slows = refused.get(receiver, 0) > REFUSED_SHARE * count
            if slows or accepted[receiver]:
                self._learn(shop_id, sender_domain, receiver, slows, count / max(seconds, 0.001))

    def _learn(
        self, shop_id: ShopId, sender_domain: str, receiver: str, slows: bool, per_second: float
    ) -> None:
        given: list[str | int | float] = [
            receiver, self._now_ms(), int(slows), f"{per_second:.6f}", LEAST_PER_S, RECOVERY_S, FORGOTTEN_S,
        ]  # fmt: skip
        said = self._ask(lambda: self._note(keys=[_key(shop_id, sender_domain)], args=given))
        if said:
            # A domain may be somebody's name.
            shown = receiver if receiver in _GROUPS else "other"
            log.info("receiver_pace", shop_id=shop_id, receiver=shown, pace=_text(said).partition(" ")[0])

    def _ask(self, question: Callable[[], Any]) -> Any:
        if self._clock() < self._away_until:
            return None
        try:
            return question()
        except redis.RedisError as error:
            self._away_until = self._clock() + AWAY_S
            log.warning("receivers_unknown", error=type(error).__name__)
            return None

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _key(shop_id: ShopId, sender_domain: str) -> str:
    return f"{PREFIX}{shop_id}:{sender_domain}"


def _text(said: bytes | str) -> str:
    return said.decode() if isinstance(said, bytes) else said


@lru_cache(maxsize=1)
def _of_url(url: str) -> Receivers:
    return Receivers(make_redis(url))


def of_process() -> Receivers:
    """Those of this process."""
    return _of_url(get_settings().redis_url)
