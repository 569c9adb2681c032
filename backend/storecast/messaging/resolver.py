"""Asking DNS for the text records of a name, behind a Protocol.

An empty answer is knowledge: the name has none. When nobody answers, or a server says that it failed, that is
`DnsUnavailable` and says nothing about the domain.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT

from storecast.config.settings import get_settings
from storecast.messaging.errors import DnsUnavailable
from storecast.resilience.circuit import CircuitOpen
from storecast.resilience.guard import Guard, process_guard

TRY_S = 2.0
TOTAL_S = 6.0
"""Resolvers ask far servers while we wait; a page waits for several of these answers."""

ATTEMPTS = 2
_HOST = "dns"


class Resolver(Protocol):
    """The text records of names."""

    def txt(self, name: str) -> list[str]:
        """Each record's strings joined; aliases are followed. Empty when there are none; raises DnsUnavailable."""
        ...


class DnsResolver:
    """Asks the given name servers (``host`` or ``host:port``), or those of the system."""

    def __init__(
        self,
        servers: Sequence[str] = (),
        guard: Guard | None = None,
        *,
        try_s: float = TRY_S,
        total_s: float = TOTAL_S,
    ) -> None:
        self._servers = servers
        self._guard = guard or Guard(None, None)
        self._try_s = try_s
        self._total_s = total_s
        self._made: dns.resolver.Resolver | None = None

    def txt(self, name: str) -> list[str]:
        """As `Resolver.txt`; a lost question is asked once more when the retry budget allows it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask(name, retry=attempt > 1)
            except DnsUnavailable:
                if attempt == ATTEMPTS or not self._guard.may_retry(_HOST):
                    raise
        raise AssertionError("unreachable")

    def _ask(self, name: str, *, retry: bool) -> list[str]:
        try:
            with self._guard.call(_HOST, "dns", retry=retry) as call:
                try:
                    answer = self._resolver().resolve(
                        dns.name.from_text(name), dns.rdatatype.TXT, search=False, raise_on_no_answer=False
                    )
                except dns.resolver.NXDOMAIN:
                    return []
                except dns.resolver.NoNameservers as error:
                    # They answered, with a failure: the domain's own servers are at fault more often than ours.
                    call.answered()
                    raise DnsUnavailable(f"The name servers cannot answer for {name}.") from error
                except dns.exception.Timeout as error:
                    call.failed("timeout")
                    raise DnsUnavailable(f"No name server answered about {name}.") from error
        except CircuitOpen as error:
            raise DnsUnavailable(retry_after=error.retry_after) from error
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
            return []
        records = answer.rrset or ()
        return [
            b"".join(record.strings).decode("utf-8", "replace")
            for record in records
            if isinstance(record, TXT)
        ]

    def _resolver(self) -> dns.resolver.Resolver:
        if self._made is None:
            try:
                self._made = dns.resolver.Resolver(configure=not self._servers)
            except dns.resolver.NoResolverConfiguration as error:
                raise DnsUnavailable("This machine has no name server set.") from error
            if self._servers:
                self._made.nameservers = [_server(each) for each in self._servers]
            self._made.timeout, self._made.lifetime = self._try_s, self._total_s
            # What a merchant has just published must be seen: what resolvers keep is late enough.
            self._made.cache = None
        return self._made


def _server(text: str) -> dns.nameserver.Nameserver:
    host, _colon, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "53")
    return dns.nameserver.Do53Nameserver(host, int(port))


@lru_cache(maxsize=2)
def _resolver(servers: str) -> Resolver:
    return DnsResolver(servers.split(), process_guard())


def process_resolver() -> Resolver:
    """The resolver of this process."""
    return _resolver(get_settings().dns_servers)
