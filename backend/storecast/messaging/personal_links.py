"""Links whose address depends on the recipient: at rendering the address is sealed into the link itself.

Nobody else keeps what one person's address was, so the message carries it, encrypted and bound to its delivery and to
the link's number (`Tokens.seal_address`): the redirect goes to addresses that were rendered here and to no other, and
logs of requests say nothing about them. What turns out to be no web page stays as it is.
"""

import html
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from storecast.messaging import links
from storecast.messaging.tokens import Tokens

MAX_ADDRESS_BYTES = 1_500
"""Longer ones are not tracked: a link of more than 2,083 characters does not open everywhere."""

_KEPT = "!#$%&'()*+,/:;=?@[]~"
"""Characters that have their meaning in an address, or are escaped already."""


class PersonalLinks:
    """Writes the links of one campaign; what templates call by the filter ``_link``."""

    def __init__(self, tokens: Tokens, edge_url: str, utm: dict[str, str]) -> None:
        self._tokens = tokens
        self._edge_url = edge_url
        self._utm = utm

    def write(self, rendered: str, token: str, number: int) -> str:
        """The tracked form of a rendered address, in the encoding in which it came."""
        text = html.unescape(rendered) if isinstance(rendered, Markup) else rendered
        address = web_address(text)
        if address is None:
            return rendered
        address = links.with_utm(address, self._utm)
        if len(address) > MAX_ADDRESS_BYTES:
            return rendered
        return f"{self._edge_url}/c/{token}/{number}/{self._tokens.seal_address(token, number, address)}"


def web_address(text: str) -> str | None:
    """The text as an address of the web in plain ASCII; None when it is no such address."""
    address = quote(text.strip(), safe=_KEPT)
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return address if parts.scheme in {"http", "https"} and parts.hostname else None
