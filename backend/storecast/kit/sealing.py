"""Encryption of small secrets at rest: Fernet, a key for each purpose, and the owner inside.

A ciphertext that is moved to another owner's row does not open.
"""

import base64
import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from storecast.kit.signing import derive_key


class SealBroken(ValueError):
    """The ciphertext is another owner's, or was sealed under a key that is gone."""


class Sealer:
    """Seals under the first secret, opens what any of them sealed."""

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        keys = [base64.urlsafe_b64encode(derive_key(secret.encode(), purpose)) for secret in secrets]
        self._fernet = MultiFernet([Fernet(key) for key in keys])

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
