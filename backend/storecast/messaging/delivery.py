"""What this process sends with: one channel, made on first use, since connections must not cross a fork."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from storecast.config.settings import get_settings
from storecast.messaging.channels import smtp_url
from storecast.messaging.channels.protocol import Channel
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.tokens import Tokens
from storecast.resilience.guard import process_guard

_given: list[Channel] = []


@lru_cache(maxsize=1)
def _smtp(url: str) -> Channel:
    return SmtpChannel(smtp_url.parse(url), process_guard())


def channel() -> Channel:
    """The channel of this process. Workers run one job at a time, so nobody shares it."""
    return _given[-1] if _given else _smtp(get_settings().smtp_url)


@contextmanager
def through(other: Channel) -> Iterator[None]:
    """Send through another channel for a while."""
    _given.append(other)
    try:
        yield
    finally:
        _given.remove(other)


@lru_cache(maxsize=4)
def _tokens(secret: str) -> Tokens:
    return Tokens(secret.encode())


def tokens() -> Tokens:
    """The tracking tokens of this installation."""
    return _tokens(get_settings().app_secret_key.get_secret_value())
