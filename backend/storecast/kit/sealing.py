"""Encryption of small secrets at rest: Fernet, a key for each purpose, and the owner inside.

A ciphertext that is moved to another owner's row does not open. A model with sealed columns says so beside them, as
``sealed: ClassVar[SealedColumns]``: that is how `storecast keys rotate` finds every secret there is.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from storecast.kit.signing import derive_key


class SealBroken(ValueError):
    """The ciphertext is another owner's, or was sealed under a key that is gone."""


@dataclass(frozen=True, slots=True)
class SealedColumns:
    """Which columns of a table hold ciphertexts, and for which purpose they were sealed."""

    purpose: str
    columns: tuple[str, ...]


class Sealer:
    """Seals under the first secret, opens what any of them sealed."""

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        self._keys = [
            Fernet(base64.urlsafe_b64encode(derive_key(secret.encode(), purpose))) for secret in secrets
        ]
        self._fernet = MultiFernet(self._keys)

    def seal(self, owner: int, text: str) -> bytes:
        """The ciphertext under the newest key."""
        return self._fernet.encrypt(json.dumps([owner, text]).encode())

    def open(self, owner: int, ciphertext: bytes) -> str:
        """The text; raises SealBroken."""
        try:
            sealed_for, text = json.loads(self._fernet.decrypt(ciphertext))
        except (InvalidToken, ValueError) as error:
            raise SealBroken("it does not open") from error
        if sealed_for != owner:
            raise SealBroken("it belongs to another shop")
        return str(text)

    def rotate(self, ciphertext: bytes) -> bytes:
        """The same plaintext under the newest key."""
        return self._fernet.rotate(ciphertext)

    def key_of(self, ciphertext: bytes) -> int | None:
        """Which secret sealed it: 0 is the newest; None when it is none of them."""
        for number, key in enumerate(self._keys):
            try:
                key.decrypt(ciphertext)
            except InvalidToken:
                continue
            return number
        return None
