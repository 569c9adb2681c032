"""The time zones of places: which one a customer most likely lives by, and instants in it.

A country with one legal time has one zone here (tz database, zone.tab); of countries with several the province
decides, under its name or code as Shopify writes them. A province that is split has all its zones: what must not
happen at night must be day in each of them. For any other place nobody knows, and the shop's own zone stands in.
Instants are made by `zoneinfo`, so an hour that a clock skips or repeats is an hour that exists, once.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Zones = tuple[ZoneInfo, ...]

_COUNTRIES = {
    "Africa": (
        "AO=Luanda BF=Ouagadougou BI=Bujumbura BJ=Porto-Novo BW=Gaborone CF=Bangui CG=Brazzaville CI=Abidjan "
        "CM=Douala DJ=Djibouti DZ=Algiers EG=Cairo EH=El_Aaiun ER=Asmara ET=Addis_Ababa GA=Libreville GH=Accra "
        "GM=Banjul GN=Conakry GQ=Malabo GW=Bissau KE=Nairobi LR=Monrovia LS=Maseru LY=Tripoli MA=Casablanca "
        "ML=Bamako MR=Nouakchott MW=Blantyre MZ=Maputo NA=Windhoek NE=Niamey NG=Lagos RW=Kigali SD=Khartoum "
        "SL=Freetown SN=Dakar SO=Mogadishu SS=Juba ST=Sao_Tome SZ=Mbabane TD=Ndjamena TG=Lome TN=Tunis "
        "TZ=Dar_es_Salaam UG=Kampala ZA=Johannesburg ZM=Lusaka ZW=Harare"
    ),
    "America": (
        "AG=Antigua AI=Anguilla AR=Argentina/Buenos_Aires AW=Aruba BB=Barbados BL=St_Barthelemy BO=La_Paz "
        "BQ=Kralendijk BS=Nassau BZ=Belize CO=Bogota CR=Costa_Rica CU=Havana CW=Curacao DM=Dominica "
        "DO=Santo_Domingo GD=Grenada GF=Cayenne GP=Guadeloupe GT=Guatemala GY=Guyana HN=Tegucigalpa "
        "HT=Port-au-Prince JM=Jamaica KN=St_Kitts KY=Cayman LC=St_Lucia MF=Marigot MQ=Martinique MS=Montserrat "
        "NI=Managua PA=Panama PE=Lima PM=Miquelon PR=Puerto_Rico PY=Asuncion SR=Paramaribo SV=El_Salvador "
        "SX=Lower_Princes TC=Grand_Turk TT=Port_of_Spain UY=Montevideo VC=St_Vincent VE=Caracas VG=Tortola "
        "VI=St_Thomas"
    ),
    "Arctic": "SJ=Longyearbyen",
    "Asia": (
        "AE=Dubai AF=Kabul AM=Yerevan AZ=Baku BD=Dhaka BH=Bahrain BN=Brunei BT=Thimphu CN=Shanghai CY=Nicosia "
        "GE=Tbilisi HK=Hong_Kong IL=Jerusalem IN=Kolkata IQ=Baghdad IR=Tehran JO=Amman JP=Tokyo KG=Bishkek "
        "KH=Phnom_Penh KP=Pyongyang KR=Seoul KW=Kuwait KZ=Almaty LA=Vientiane LB=Beirut LK=Colombo MM=Yangon "
        "MO=Macau MY=Kuala_Lumpur NP=Kathmandu OM=Muscat PH=Manila PK=Karachi PS=Gaza QA=Qatar SA=Riyadh "
        "SG=Singapore SY=Damascus TH=Bangkok TJ=Dushanbe TL=Dili TM=Ashgabat TW=Taipei UZ=Samarkand "
        "VN=Ho_Chi_Minh YE=Aden"
    ),
    "Atlantic": "BM=Bermuda CV=Cape_Verde FK=Stanley FO=Faroe IS=Reykjavik SH=St_Helena",
    "Europe": (
        "AD=Andorra AL=Tirane AT=Vienna AX=Mariehamn BA=Sarajevo BE=Brussels BG=Sofia BY=Minsk CH=Zurich "
        "CZ=Prague DE=Berlin DK=Copenhagen EE=Tallinn FI=Helsinki FR=Paris GB=London GG=Guernsey GI=Gibraltar "
        "GR=Athens HR=Zagreb HU=Budapest IE=Dublin IM=Isle_of_Man IT=Rome JE=Jersey LI=Vaduz LT=Vilnius "
        "LU=Luxembourg LV=Riga MC=Monaco MD=Chisinau ME=Podgorica MK=Skopje MT=Malta NL=Amsterdam NO=Oslo "
        "PL=Warsaw RO=Bucharest RS=Belgrade SE=Stockholm SI=Ljubljana SK=Bratislava SM=San_Marino TR=Istanbul "
        "UA=Kyiv VA=Vatican"
    ),
    "Indian": "CC=Cocos CX=Christmas KM=Comoro MG=Antananarivo MU=Mauritius MV=Maldives RE=Reunion SC=Mahe YT=Mayotte",
    "Pacific": (
        "AS=Pago_Pago CK=Rarotonga FJ=Fiji GU=Guam MH=Majuro MP=Saipan NC=Noumea NF=Norfolk NR=Nauru NU=Niue "
        "NZ=Auckland PN=Pitcairn PW=Palau SB=Guadalcanal TK=Fakaofo TO=Tongatapu TV=Funafuti VU=Efate WF=Wallis "
        "WS=Apia"
    ),
}


# The main part first; the islands and the far west live by another clock.
_SPLIT_COUNTRIES = {
    "CL": ("America/Santiago", "Pacific/Easter"),
    "EC": ("America/Guayaquil", "Pacific/Galapagos"),
    "ES": ("Europe/Madrid", "Atlantic/Canary"),
    "PT": ("Europe/Lisbon", "Atlantic/Azores"),
}

_PROVINCES = {
    "US": {
        "New_York": "CT Connecticut|DE Delaware|DC District of Columbia|GA Georgia|ME Maine|MD Maryland|"
        "MA Massachusetts|NH New Hampshire|NJ New Jersey|NY New York|NC North Carolina|OH Ohio|PA Pennsylvania|"
        "RI Rhode Island|SC South Carolina|VT Vermont|VA Virginia|WV West Virginia",
        "Chicago": "AL Alabama|AR Arkansas|IL Illinois|IA Iowa|LA Louisiana|MN Minnesota|MS Mississippi|"
        "MO Missouri|OK Oklahoma|WI Wisconsin",
        "Denver": "CO Colorado|MT Montana|NM New Mexico|UT Utah|WY Wyoming",
        "Los_Angeles": "CA California|NV Nevada|WA Washington",
        "New_York Chicago": "FL Florida|IN Indiana|KY Kentucky|MI Michigan",
        "Chicago New_York": "TN Tennessee",
        "Chicago Denver": "KS Kansas|NE Nebraska|ND North Dakota|SD South Dakota|TX Texas",
        "Boise Los_Angeles": "ID Idaho",
        "Los_Angeles Boise": "OR Oregon",
        "Phoenix Denver": "AZ Arizona",
        "Anchorage Adak": "AK Alaska",
    },
    "CA": {
        "St_Johns": "NL Newfoundland and Labrador|NL Newfoundland",
        "Halifax": "NB New Brunswick|NS Nova Scotia|PE Prince Edward Island",
        "Toronto": "QC Quebec|QC Québec",
        "Toronto Winnipeg": "ON Ontario",
        "Winnipeg": "MB Manitoba",
        "Regina": "SK Saskatchewan",
        "Edmonton": "AB Alberta|NT Northwest Territories",
        "Vancouver Edmonton": "BC British Columbia",
        "Whitehorse": "YT Yukon",
    },
    "AU": {
        "Australia/Sydney": "NSW New South Wales|ACT Australian Capital Territory",
        "Australia/Melbourne": "VIC Victoria",
        "Australia/Brisbane": "QLD Queensland",
        "Australia/Adelaide": "SA South Australia",
        "Australia/Darwin": "NT Northern Territory",
        "Australia/Hobart": "TAS Tasmania",
        "Australia/Perth": "WA Western Australia",
    },
    "BR": {
        "Sao_Paulo": "DF Distrito Federal|ES Espírito Santo|GO Goiás|MG Minas Gerais|PR Paraná|RJ Rio de Janeiro|"
        "RS Rio Grande do Sul|SC Santa Catarina|SP São Paulo|BA Bahia|CE Ceará|PE Pernambuco|RN Rio Grande do Norte|"
        "PB Paraíba|AL Alagoas|SE Sergipe|PI Piauí|MA Maranhão|TO Tocantins|PA Pará|AP Amapá",
        "Manaus": "AM Amazonas|MT Mato Grosso|MS Mato Grosso do Sul|RO Rondônia|RR Roraima",
        "Rio_Branco": "AC Acre",
    },
}


class Place(NamedTuple):
    """Somewhere with known zones; ``province`` is in small letters, None for a whole country."""

    country: str
    province: str | None
    zones: Zones


@lru_cache(maxsize=1)
def known() -> tuple[Place, ...]:
    """Every place with a known zone, the main one first."""
    return tuple(_places())


def _places() -> Iterator[Place]:
    for area, countries in _COUNTRIES.items():
        for item in countries.split():
            country, _equals, city = item.partition("=")
            yield Place(country, None, (ZoneInfo(f"{area}/{city}"),))
    for country, names in _SPLIT_COUNTRIES.items():
        yield Place(country, None, tuple(ZoneInfo(name) for name in names))
    for country, groups in _PROVINCES.items():
        for cities, provinces in groups.items():
            zones = tuple(ZoneInfo(city if "/" in city else f"America/{city}") for city in cities.split())
            spellings = {part for item in provinces.split("|") for part in item.split(" ", 1)}
            for spelling in sorted(spellings):
                yield Place(country, spelling.lower(), zones)


@lru_cache(maxsize=1)
def _by_name() -> dict[tuple[str, str | None], Zones]:
    return {(place.country, place.province): place.zones for place in known()}


def zones_of(country: str | None, province: str | None, home: ZoneInfo) -> Zones:
    """The zones that somebody may live by, the likeliest first; ``home`` where the place does not say."""
    code = (country or "").upper()
    places = _by_name()
    return places.get((code, (province or "").strip().lower() or None)) or places.get((code, None)) or (home,)


def zone_named(name: str) -> ZoneInfo:
    """The zone of a shop; UTC for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def at_wall(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """When clocks show this, in UTC: the first time where it is shown twice, just after where it is skipped."""
    return datetime.combine(day, wall, zone).astimezone(_UTC)


class QuietHours(NamedTuple):
    """From one wall time to another, over midnight when it ends before it begins; never the whole day."""

    begins: time
    ends: time

    def holds(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether it is quiet in the zone at the instant."""
        wall = at.astimezone(zone).time()
        if self.begins <= self.ends:
            return self.begins <= wall < self.ends
        return wall >= self.begins or wall < self.ends

    def over_at(self, at: datetime, zones: Sequence[ZoneInfo]) -> datetime:
        """The first instant from ``at`` on that is quiet in none of the zones."""
        # Zones of one country are a few hours apart: what ends in one may have begun in another.
        for _round in range(_ROUNDS):
            later = max(self._end(at, zone) for zone in zones)
            if later == at:
                break
            at = later
        return at

    def _end(self, at: datetime, zone: ZoneInfo) -> datetime:
        if not self.holds(at, zone):
            return at
        day = at.astimezone(zone).date()
        ends = (_last_at_wall(day + timedelta(days=days), self.ends, zone) for days in (0, 1))
        return next(end for end in ends if end > at)


_UTC = ZoneInfo("UTC")
_ROUNDS = 8


def _last_at_wall(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """As `at_wall`, the second time where clocks show it twice: the hour between would be quiet once more."""
    first = datetime.combine(day, wall, zone)
    return max(first.astimezone(_UTC), first.replace(fold=1).astimezone(_UTC))
