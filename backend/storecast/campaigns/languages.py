"""Languages that a campaign speaks besides its own, and which of them somebody reads.

A version's language is a tag of BCP 47 as Shopify writes locales: a language, perhaps with a script or a region
(``de``, ``pt-BR``, ``zh-Hant``). A customer gets the most special version whose tag their locale begins with, as RFC
4647 looks up (`pt-BR`, then `pt`), and the campaign's own content when there is none.
"""

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Integer, case, cast, func, literal, null, or_

from storecast.campaigns import places

FIRST_NUMBER = 5
"""Language versions are numbered behind the versions of a test, whose last is number 4."""

MAX_LANGUAGES = 20

Languages = tuple[tuple[str, int], ...]
"""Tags with the numbers of their versions."""

_KNOWN = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee "
    "el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is "
    "it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms "
    "mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk "
    "sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi "
    "yo za zh zu ckb fil gsw haw"
)
"""All of ISO 639-1, and of the languages without a code of two letters those that shops have."""

_LANGUAGES = frozenset(_KNOWN.split())
_SCRIPTS = frozenset({"Arab", "Cyrl", "Hans", "Hant", "Latn"})
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?")


def canonical(tag: str) -> str | None:
    """The tag as it is kept (``pt-BR`` for ``pt_br``); None for one that names no known language, script or region."""
    found = _TAG.fullmatch(tag.strip())
    if found is None:
        return None
    language, script, region = found.group(1).lower(), found.group(2), found.group(3)
    if language not in _LANGUAGES:
        return None
    if script is not None and script.title() not in _SCRIPTS:
        return None
    if region is not None and not region.isdigit() and region.upper() not in _regions():
        return None
    # es-419, the Spanish of Latin America, is the one region of digits that shops have.
    if region is not None and region.isdigit() and region != "419":
        return None
    parts = (language, script and script.title(), region and region.upper())
    return "-".join(part for part in parts if part)


def _regions() -> set[str]:
    return {place.country for place in places.known()}


def looked_up(locale: str | None, languages: Languages) -> int | None:
    """The number of the version that somebody with this locale reads; None for the campaign's own content."""
    wanted = (locale or "").replace("_", "-").lower()
    for tag, number in _special_first(languages):
        if wanted == tag.lower() or wanted.startswith(f"{tag.lower()}-"):
            return number
    return None


def number_of(locale: ColumnElement[str | None], languages: Languages) -> ColumnElement[int | None]:
    """The same in PostgreSQL."""
    if not languages:
        return cast(null(), Integer)
    wanted = func.lower(func.replace(locale, "_", "-"))
    return case(
        *(
            (or_(wanted == tag.lower(), func.starts_with(wanted, f"{tag.lower()}-")), literal(number))
            for tag, number in _special_first(languages)
        ),
        else_=cast(null(), Integer),
    )


def _special_first(languages: Languages) -> Sequence[tuple[str, int]]:
    return sorted(languages, key=lambda each: -len(each[0]))
