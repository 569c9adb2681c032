"""What a row of a file says of a contact, or why it says nothing that can be used."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from storecast.kit import csv_rows

FIELDS = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "tags",
    "country",
    "consent",
    "consent_at",
    "consent_source",
)

_TITLES: dict[str, tuple[str, ...]] = {
    "email": ("email", "e-mail", "email address", "e-mail address", "e-mail-adresse", "customer email"),
    "first_name": ("first name", "first_name", "firstname", "vorname", "given name"),
    "last_name": ("last name", "last_name", "lastname", "nachname", "surname", "family name"),
    "phone": ("phone", "phone number", "telephone", "telefon", "mobile", "mobil"),
    "tags": ("tags", "tag", "labels", "schlagwörter"),
    "country": ("country", "country code", "country_code", "default address country code", "land"),
    "consent": (
        "consent",
        "email subscription",
        "email_subscription",
        "accepts email marketing",
        "accepts marketing",
        "subscribed",
        "einwilligung",
    ),
    "consent_at": (
        "consent at",
        "consent_at",
        "consented at",
        "consented_at",
        "consent date",
        "opt-in date",
        "optin_time",
        "email_consent_at",
    ),
    "consent_source": ("consent source", "consent_source", "opt-in source", "source", "quelle"),
}

_SUBSCRIBED = frozenset({"subscribed", "yes", "true", "1", "ja", "y"})
_UNSUBSCRIBED = frozenset({"unsubscribed", "no", "false", "0", "nein", "n"})
_NO_WORD = frozenset({"", "not_subscribed", "not subscribed", "never_subscribed", "pending", "invalid"})

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST_PART = r"[^\s@<>,;:\"\\()\[\].]+"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_HOST_PART}(\.{_HOST_PART})+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")

MAX_NAME = 255
MAX_TAG = 40
"""Shopify keeps 40 characters of each tag, and takes 250 tags."""
MAX_TAGS = 250


class Contact(NamedTuple):
    """A row as it is stored: ``reason`` says why it is refused, and then the rest is empty."""

    line: int
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    country: str | None = None
    tags: list[str] = []  # noqa: RUF012  # never written to
    consent_state: str | None = None
    consent_at: datetime | None = None
    consent_source: str | None = None
    reason: str | None = None


class Refused(ValueError):
    """Why a row cannot be used, in one word."""


def suggest(titles: list[str]) -> dict[int, str]:
    """What the columns seem to be, by number; no field twice."""
    found: dict[int, str] = {}
    for index, title in enumerate(titles):
        for field, known in _TITLES.items():
            if title.strip().lower() in known and field not in found.values():
                found[index] = field
    return found


def read(
    line: int,
    cells: list[str] | None,
    columns: Mapping[int, str],
    *,
    source: str | None,
    now: datetime,
    confirm: bool = False,
) -> Contact:
    """The contact of a row; ``columns`` are fields by number, ``source`` is where the other consents are from.

    With ``confirm`` who has subscribed is asked first whether that is so.
    """
    if cells is None:
        return Contact(line, reason="unreadable")
    given = {field: csv_rows.plain(cells[index]) for index, field in columns.items() if index < len(cells)}
    try:
        contact = _contact(line, given, source, now)
    except Refused as refused:
        return Contact(line, reason=str(refused))
    asks = confirm and contact.consent_state == "subscribed"
    return contact._replace(consent_state="pending") if asks else contact


def _contact(line: int, given: Mapping[str, str], source: str | None, now: datetime) -> Contact:
    if any(csv_rows.LOST in value or "\x00" in value for value in given.values()):
        raise Refused("encoding")
    email = given.get("email", "").lower()
    if not email:
        raise Refused("empty")
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        raise Refused("broken_address")
    first, last = given.get("first_name", ""), given.get("last_name", "")
    if max(len(first), len(last)) > MAX_NAME:
        raise Refused("name_too_long")
    country = given.get("country", "").upper()
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise Refused("broken_country")
    state, at, told = _consent(given, source, now)
    return Contact(
        line,
        email,
        first or None,
        last or None,
        _phone(given.get("phone", "")),
        country or None,
        _tags(given.get("tags", "")),
        state,
        at,
        told,
    )


def _phone(written: str) -> str | None:
    number = re.sub(r"[\s()./-]", "", written)
    number = f"+{number[2:]}" if number.startswith("00") else number
    if not number:
        return None
    if not _PHONE.fullmatch(number):
        raise Refused("broken_phone")
    return number


def _tags(written: str) -> list[str]:
    tags = list(dict.fromkeys(tag.strip() for tag in re.split(r"[,;|]", written) if tag.strip()))
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG or re.search(r"[\x00-\x1f]", tag) for tag in tags):
        raise Refused("broken_tags")
    return tags


def _consent(
    given: Mapping[str, str], source: str | None, now: datetime
) -> tuple[str | None, datetime | None, str | None]:
    word = given.get("consent", "").lower()
    if word in _NO_WORD:
        return None, None, None
    if word not in _SUBSCRIBED | _UNSUBSCRIBED:
        raise Refused("consent_unknown")
    at = _instant(given.get("consent_at", ""), now)
    if at is None:
        raise Refused("consent_without_time")
    if at > now:
        raise Refused("consent_in_future")
    told = given.get("consent_source") or source
    if word in _SUBSCRIBED and not told:
        raise Refused("consent_without_source")
    return ("subscribed" if word in _SUBSCRIBED else "unsubscribed"), at, (told or None) and told[:250]


def _instant(written: str, now: datetime) -> datetime | None:
    """An ISO 8601 date or instant, in UTC unless it says another zone; a date alone is that day nearly everywhere."""
    if not written:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise Refused("consent_time_unreadable") from None
    if at.year < 1990:
        raise Refused("consent_time_unreadable")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if len(written) <= len("2026-03-01") and at <= now:
        at = min(at.replace(hour=12), now)
    return at.astimezone(UTC).replace(microsecond=0)
