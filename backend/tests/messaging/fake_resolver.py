"""A resolver that knows what it is told, for tests of what is made of the answers."""

from dataclasses import dataclass, field

from storecast.messaging.errors import DnsUnavailable


@dataclass
class FakeResolver:
    """Passes the same battery as the real one."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def txt(self, name: str) -> list[str]:
        at = name.rstrip(".").lower()
        self.asked.append(at)
        if at in self.failing:
            raise DnsUnavailable(f"No name server answered about {at}.")
        while at in self.aliases:
            at = self.aliases[at]
        return list(self.texts.get(at, []))
