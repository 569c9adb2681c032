"""Where an SMTP server is and how to talk to it, as one URL.

``smtp://host:25`` plain, ``smtp+starttls://user:password@host:587`` STARTTLS and AUTH, ``smtps://host:465`` TLS from
the first byte, ``smtp+unix:///path`` a socket on this machine. TLS is always verified; a password never travels
without it, except to this machine. ``?connections=8&per_second=50`` sets a server's own limits; several URLs parted
by blanks are tried in their order.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

Security = Literal["none", "starttls", "tls"]

_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
DEFAULT_CONNECTIONS = 8
"""Per process. One process fills no more than a few with pipelining; the rest hide the server's own waits."""

MAX_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """One server; ``path`` is set for a unix socket, ``host`` and ``port`` otherwise."""

    host: str
    port: int
    path: str | None
    security: Security
    username: str | None
    password: str | None
    connections: int
    per_second: int | None = None
    public_only: bool = False
    """Refuse a name that leads into a private network: for servers that merchants choose."""

    @property
    def local(self) -> bool:
        """Whether the way to the server stays on this machine."""
        return self.path is not None or self.host in {"127.0.0.1", "::1", "localhost"}


def parse(url: str) -> SmtpServer:
    """The server of a URL; raises ValueError with the reason."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    connections = int(query.get("connections", [str(DEFAULT_CONNECTIONS)])[0])
    if not 1 <= connections <= MAX_CONNECTIONS:
        raise ValueError(f"connections must be between 1 and {MAX_CONNECTIONS}")
    per_second = int(query["per_second"][0]) if "per_second" in query else None
    if per_second is not None and per_second < 1:
        raise ValueError("per_second must be 1 or more")
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if parts.scheme == "smtp+unix":
        if not parts.path:
            raise ValueError("smtp+unix:// needs the path of a socket")
        return SmtpServer(
            "localhost", 0, unquote(parts.path), "none", username, password, connections, per_second
        )
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"{parts.scheme}:// is no SMTP scheme; use smtp, smtp+starttls, smtps or smtp+unix")
    if not parts.hostname:
        raise ValueError("the SMTP URL names no host")
    security, port = _SCHEMES[parts.scheme]
    server = SmtpServer(
        parts.hostname, parts.port or port, None, security, username, password, connections, per_second
    )
    if password is not None and security == "none" and not server.local:
        raise ValueError("a password needs TLS: use smtp+starttls:// or smtps://")
    return server


def parse_all(urls: str) -> list[SmtpServer]:
    """The servers of several URLs; raises ValueError with the reason."""
    servers = [parse(url) for url in urls.split()]
    if not servers:
        raise ValueError("the SMTP URL is empty")
    return servers
