"""A channel that signs on the way: each message with the keys of the domain that it comes from."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from storecast.messaging.channels.protocol import Channel, Outcome
from storecast.messaging.compose import Prepared
from storecast.messaging.dkim import DkimSigner
from storecast.messaging.sending_domains import covering


class SigningChannel:
    """Signs what is from one of the domains, or from a domain under it; anything else passes as it is.

    It only exists for shops that have keys: who has none pays nothing.
    """

    def __init__(
        self, inner: Channel, signers: Mapping[str, DkimSigner], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._inner = inner
        self._signers = signers
        self._clock = clock
        self._by_author: dict[str, DkimSigner | None] = {}

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        """Sign, then send."""
        if isinstance(messages, Sequence):
            # A known number lets the channel open no more connections than it needs.
            return self._inner.send([self._signed(message) for message in messages])
        return self._inner.send(map(self._signed, messages))

    def connect(self) -> None:
        """As the channel itself."""
        self._inner.connect()

    def close(self) -> None:
        """As the channel itself."""
        self._inner.close()

    def _signed(self, message: Prepared) -> Prepared:
        # The return path is under the From domain: `compose` makes both of the same address.
        author = message.mail_from.rpartition("@")[2]
        if author not in self._by_author:
            name = covering(list(self._signers), author)
            self._by_author[author] = self._signers[name] if name else None
        signer = self._by_author[author]
        if signer is None:
            return message
        return message._replace(data=signer.sign(message.data, at=int(self._clock())))
