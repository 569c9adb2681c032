"""What Redis knows: whatever Storecast keeps there can be made anew, so what speaks of somebody is deleted whole."""

from collections.abc import Callable, Iterator
from typing import Any

import redis
from redis.exceptions import RedisError

from storecast.config.settings import get_settings
from storecast.kit.errors import Retryable
from storecast.kit.types import ShopId
from storecast.privacy.coverage import CACHES, Subject

SCAN_COUNT = 1000


def forget_person(subject: Subject) -> int:
    """Delete every key whose name or content speaks of the person; returns how many."""
    texts = [text.lower() for text in (*subject.needles.texts, *subject.names)]
    return _forget(lambda key, content: any(text in key or text in content for text in texts))


def forget_shop(shop_id: ShopId, domain: str) -> int:
    """Delete every key of the shop, the sessions of its staff among them; returns how many."""
    marks = (f'"shop_id":{shop_id},', f'"shop_id":{shop_id}}}', f'"shop_id":"{shop_id}"', domain.lower())

    def is_of_shop(key: str, content: str) -> bool:
        if str(shop_id) in key.split(":")[2:] or domain.lower() in key:
            return True
        packed = content.replace(" ", "")
        return any(mark in packed for mark in marks)

    return _forget(is_of_shop)


def _forget(speaks: Callable[[str, str], bool]) -> int:
    """Delete the keys of which it is true; raises Retryable while Redis is away."""
    try:
        with redis.Redis.from_url(get_settings().redis_url, socket_timeout=10) as client:
            found = [key for key in _keys(client) if speaks(_text(key), _content(client, key))]
            for key in found:
                client.delete(key)
            return len(found)
    except (RedisError, OSError) as error:
        raise Retryable("Redis is away; what it holds is not erased yet") from error


def _keys(client: redis.Redis) -> Iterator[bytes]:
    yield from client.scan_iter(match=f"{CACHES}*", count=SCAN_COUNT)


def _content(client: Any, key: bytes) -> str:
    """Everything that a key holds, as lower-case text."""
    readers: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"stream": lambda: client.xrange(key),
    }
    reader = readers.get(client.type(key))
    return _text(reader()) if reader is not None else ""


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").lower()
    if isinstance(value, dict):
        return " ".join(f"{_text(name)} {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple | set):
        return " ".join(_text(each) for each in value)
    return "" if value is None else str(value).lower()
