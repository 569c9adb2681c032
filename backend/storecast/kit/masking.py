"""What a job's arguments must not show: secrets, tokens, e-mail addresses and phone numbers, by key and by shape.

Masking happens on the server: what a browser never got cannot leak from it. `unmasked` puts the stored values back
where a person edited around a mask.
"""

import re
from typing import Any

MASK = "•••"

DEPTH_MAX = 20

_SECRET_KEY = re.compile(
    r"(?i)(?:^|_|-|\b)(?:pass(?:word|wd|phrase)?|secret|tokens?|api_?key|access_?key|private_?key|signing_?key|"
    r"authori[sz]ation|cookie|credentials?|session|signature|hmac|dsn|otp|pin|iban|card_number|cvv|ssn)(?:$|_|-|\b)"
)
_PERSON_KEY = re.compile(
    r"(?i)(?:^|_|-|\b)(?:e?mail|email_address|phone|mobile|telephone|msisdn|first_name|last_name|full_name|address1?|"
    r"address2|street|zip|postcode|ip|ip_address|birthday)(?:$|_|-|\b)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What is public although its name says otherwise.
_PUBLIC_KEY = re.compile(r"(?i)^(?:token_type|email_state|email_count|phone_count|max_tokens|session_count)$")

_ADDRESS = re.compile(r"([\w.+%-])[\w.+%-]*@([\w-]+(?:\.[\w-]+)+)")
_SHAPES = (
    # Shopify's tokens, keys with a well-known prefix, JSON web tokens, Fernet, bearer headers.
    re.compile(r"\bshp(?:at|ca|pa|ss|ua|rt)_[A-Za-z0-9]+"),
    re.compile(r"\b(?:(?:sk|pk|rk|xox[abpors]|gh[opsu])[-_]|SG\.|AKIA|AIza)[A-Za-z0-9_-]{16,}"),
    re.compile(r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?"),
    re.compile(r"\bgAAAAA[\w-]{20,}={0,2}"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/-]{8,}=*"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
    re.compile(r"(?i)\b(?:password|secret|token|api_?key|access_token|signature|hmac)=[^\s&]+"),
)
# An international number, or a national one written in groups; ids and instants are neither.
_PHONE = re.compile(
    r"(?<![\w:.-])(?:\+\d[\d ().-]{7,18}\d|\(\d{2,5}\)[ -]?\d{3,5}[ -]?\d{3,5}|\d{3}[ -]\d{3}[ -]\d{4})(?![\w-])"
)


def masked(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with every value hidden that is a secret or says who somebody is."""
    return {key: _masked_value(key, value, 0) for key, value in arguments.items()}


def masked_text(text: str) -> str:
    """Free text (an error, a traceback) without secrets and addresses."""
    text = _ADDRESS.sub(rf"\1{MASK}@\2", text)
    for shape in _SHAPES:
        text = shape.sub(MASK, text)
    return _PHONE.sub(_masked_phone, text)


def is_sensitive(key: str, value: Any) -> bool:
    """Whether a value would be hidden."""
    return bool(_masked_value(key, value, 0) != value)


def find_mask(value: Any, pointer: str) -> str | None:
    """The JSON pointer to the first mask inside; None when there is none."""
    if isinstance(value, str):
        return pointer if MASK in value else None
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found = (find_mask(item, f"{pointer}/{key}") for key, item in items)
    return next((inner for inner in found if inner is not None), None)


def unmasked(edited: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """The edited arguments, with the stored value wherever its mask was left as it stood."""
    return {
        key: _unmasked_value(key, value, stored[key]) if key in stored else value
        for key, value in edited.items()
    }


def _masked_value(key: str, value: Any, depth: int) -> Any:
    if depth > DEPTH_MAX:
        return MASK
    name = _CAMEL.sub("_", key)
    if not _PUBLIC_KEY.match(name):
        if _SECRET_KEY.search(name):
            return None if value is None else MASK
        if _PERSON_KEY.search(name):
            return _masked_person(value, depth)
    if isinstance(value, dict):
        return {inner: _masked_value(str(inner), item, depth + 1) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        # A list's items are of the kind that its key names.
        return [_masked_value(_singular(key), item, depth + 1) for item in value]
    return masked_text(value) if isinstance(value, str) else value


def _masked_person(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {inner: _masked_value(str(inner), item, depth + 1) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked_person(item, depth + 1) for item in value]
    text = str(value)
    if _ADDRESS.search(text):
        return masked_text(text)
    return f"{MASK}{text[-2:]}" if len(text) > 6 else MASK


def _masked_phone(found: re.Match[str]) -> str:
    return f"{MASK}{found[0][-2:]}"


def _singular(key: str) -> str:
    if key.endswith("addresses"):
        return key[:-2]
    return key[:-1] if key.endswith("s") and not key.endswith("ss") else key


def _unmasked_value(key: str, edited: Any, stored: Any) -> Any:
    if isinstance(edited, dict) and isinstance(stored, dict):
        return {
            inner: _unmasked_value(str(inner), item, stored[inner]) if inner in stored else item
            for inner, item in edited.items()
        }
    if isinstance(edited, list) and isinstance(stored, list) and len(edited) == len(stored):
        return [
            _unmasked_value(_singular(key), item, before) for item, before in zip(edited, stored, strict=True)
        ]
    return stored if edited == _masked_value(key, stored, 0) else edited
