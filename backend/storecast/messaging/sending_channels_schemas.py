"""API shapes of sending channels."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from storecast.messaging.channels.smtp_url import MAX_CONNECTIONS

Kind = Literal["smtp", "ses", "sendgrid", "mailgun", "postmark"]
Security = Literal["none", "starttls", "tls"]

_LINE = r"^[^\x00-\x1f\x7f]*$"
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=_LINE)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=253, pattern=_LINE)]
Secret = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000, pattern=_LINE)
]


class ChannelConfig(BaseModel):
    """Where a channel leads: what its kind has no use for stays empty."""

    model_config = ConfigDict(extra="forbid")

    host: Line | None = None
    """Of an SMTP server."""
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    security: Security | None = None
    username: Line | None = None
    """The user at an SMTP server; the access key id at Amazon SES."""
    region: Line | None = None
    """``eu-central-1`` and the like at Amazon SES; ``us`` or ``eu`` at SendGrid and Mailgun."""
    domain: Line | None = None
    """The domain at Mailgun."""
    stream: Line | None = None
    """The message stream at Postmark; ``broadcast`` when empty."""


class ChannelInput(BaseModel):
    """A channel to add, or to replace. ``secret`` (password, secret key, API key, token) is never shown again."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "smtp",
                    "title": "Our relay",
                    "config": {
                        "host": "smtp.example.com",
                        "port": 587,
                        "security": "starttls",
                        "username": "news",
                    },
                    "secret": "correct horse battery staple",
                    "connections": 4,
                    "per_second": 50,
                }
            ]
        },
    )

    kind: Kind
    title: Title
    config: ChannelConfig = ChannelConfig()
    secret: Secret | None = None
    """Left out of a replacement, the one that is stored stays."""
    returns_secret: Secret | None = None
    """What reports of bounces and complaints are verified with: SendGrid's verification key, Mailgun's webhook signing
    key, the ARN of Amazon's topic, a password for Postmark. Left out of a replacement, the stored one stays."""
    connections: Annotated[int, Field(ge=1, le=MAX_CONNECTIONS)] = 4
    per_second: Annotated[int, Field(ge=1, le=100_000)] | None = None
    enabled: bool = True


class ChannelOrder(BaseModel):
    """Every channel's id in the order in which they are to be tried."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"ids": ["chn_01", "chn_02"]}]})

    ids: Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=50)]


class SendingChannel(BaseModel):
    """A channel as it is shown; ``signs_itself``: the provider makes the message anew and signs it.

    ``returns_url`` is where the provider is to report bounces and complaints to; shown to who may manage channels.
    """

    id: str
    kind: Kind
    title: str
    enabled: bool
    config: ChannelConfig
    has_secret: bool
    returns_url: str | None
    has_returns_secret: bool
    connections: int
    per_second: int | None
    signs_itself: bool
    tested_at: datetime | None
    error: str | None


class SendingChannels(BaseModel):
    """The shop's channels in their order; without any its mail goes through the installation's own servers."""

    channels: list[SendingChannel]
    installation_servers: int
    in_use: Literal["shop", "installation"]
