"""Who the customers are: names, places, consents and tags, all generated, all under reserved domains."""

from __future__ import annotations

from simulator.seeds.hashing import fraction, pick, words

FIRST_NAMES = words(
    """
    Ada Aisha Alan Alba Alice Amara Amir Ana Andre Anna Anton Arjun Astrid Ben Bella Bianca Boris Bruno
    Camila Carl Carmen Cedric Chloe Clara Cora Daniel Daria David Diego Dina Edith Elena Eli Elsa Emil
    Emma Enzo Erik Esther Eva Fatima Felix Fiona Flora Frank Freya Gabriel Gina Grace Greta Hana Hannah
    Hassan Helen Henry Hugo Ida Igor Imani Ines Iris Isaac Ivan Jack Jana Jasper Jean Joel Jonas Joy
    Julia Kai Karim Kate Kenji Lara Lars Laura Leah Leo Lena Liam Lina Louis Lucia Luis Lydia Maja Malik
    Marco Maria Marta Max Maya Mei Mia Milan Mina Miriam Mona Nadia Naomi Nico Nina Noah Nora Olga
    Oliver Omar Oscar Otto Paula Pedro Petra Priya Quinn Rafael Rania Ravi Rita Robin Rosa Ruth Sami
    Samuel Sara Selma Simon Sofia Stella Stefan Tara Theo Thomas Tina Tomas Ursula Vera Victor Viola
    Walter Wanda Willa Xenia Yara Yusuf Yvonne Zara Zoe
    """
)
LAST_NAMES = words(
    """
    Abbott Adler Ahmed Alvarez Andersen Baker Barros Becker Bell Bianchi Bishop Blanc Brandt Brooks
    Castro Chen Clarke Cohen Costa Cruz Dahl Diaz Dubois Duran Ellis Evans Falk Ferrari Fischer Fleming
    Fox Garcia Gray Green Gruber Haas Hall Hansen Harris Hart Hassan Hill Hoffman Holm Hughes Ito Ivanov
    Jansen Jensen Jones Kaur Keller Khan Kim Klein Kovacs Kumar Lambert Lang Larsen Lee Leone Lind Lopez
    Lund Maier Marin Marsh Martin Mendes Meyer Mills Moreau Mori Morris Nagy Nakamura Nash Neri Nguyen
    Novak Nunez Olsen Ortiz Park Parker Patel Perez Peters Pohl Popov Price Ramos Reed Reyes Ricci Rossi
    Roth Roy Ruiz Sanders Santos Sato Schmidt Shah Silva Singh Smith Soto Stein Stone Suzuki Szabo
    Tanaka Taylor Torres Tran Turner Vargas Vega Vogel Walsh Wang Weber West White Wolf Wong Wood Yang
    Young Zhang Ziegler
    """
)
DOMAINS = ("example.com", "example.net", "example.org")

# (city, province, province code, country code, zip, locale)
PLACES = (
    ("New York", "New York", "NY", "US", "10001", "en"),
    ("New York", "New York", "NY", "US", "10001", "en"),
    ("Brooklyn", "New York", "NY", "US", "11201", "en"),
    ("Los Angeles", "California", "CA", "US", "90012", "en"),
    ("Los Angeles", "California", "CA", "US", "90012", "en"),
    ("San Francisco", "California", "CA", "US", "94103", "en"),
    ("Chicago", "Illinois", "IL", "US", "60601", "en"),
    ("Chicago", "Illinois", "IL", "US", "60601", "en"),
    ("Austin", "Texas", "TX", "US", "78701", "en"),
    ("Houston", "Texas", "TX", "US", "77002", "en"),
    ("Seattle", "Washington", "WA", "US", "98101", "en"),
    ("Portland", "Oregon", "OR", "US", "97204", "en"),
    ("Denver", "Colorado", "CO", "US", "80202", "en"),
    ("Boston", "Massachusetts", "MA", "US", "02108", "en"),
    ("Nashville", "Tennessee", "TN", "US", "37203", "en"),
    ("Miami", "Florida", "FL", "US", "33130", "es"),
    ("Philadelphia", "Pennsylvania", "PA", "US", "19103", "en"),
    ("Atlanta", "Georgia", "GA", "US", "30303", "en"),
    ("Toronto", "Ontario", "ON", "CA", "M5H 2N2", "en"),
    ("Vancouver", "British Columbia", "BC", "CA", "V6B 1A1", "en"),
    ("Montreal", "Quebec", "QC", "CA", "H2Y 1C6", "fr"),
    ("London", "England", "ENG", "GB", "EC1A 1BB", "en"),
    ("Manchester", "England", "ENG", "GB", "M1 1AE", "en"),
    ("Dublin", "Dublin", "D", "IE", "D01", "en"),
    ("Berlin", None, None, "DE", "10115", "de"),
    ("Hamburg", None, None, "DE", "20095", "de"),
    ("Vienna", None, None, "AT", "1010", "de"),
    ("Paris", None, None, "FR", "75001", "fr"),
    ("Lyon", None, None, "FR", "69001", "fr"),
    ("Amsterdam", None, None, "NL", "1011", "nl"),
    ("Copenhagen", None, None, "DK", "1050", "da"),
    ("Madrid", "Madrid", "M", "ES", "28001", "es"),
    ("Milan", "Milano", "MI", "IT", "20121", "it"),
    ("Sydney", "New South Wales", "NSW", "AU", "2000", "en"),
    ("Melbourne", "Victoria", "VIC", "AU", "3000", "en"),
    ("Tokyo", "Tokyo", "JP-13", "JP", "100-0001", "ja"),
)
STREETS = (
    "Maple Street",
    "Station Road",
    "Oak Avenue",
    "Harbour Lane",
    "Mill Street",
    "Park Row",
    "Hill Road",
    "Elm Drive",
)
TASTES = ("jazz", "rock", "classical", "electronic", "folk", "soul", "pop", "blues")

# Shares of the e-mail marketing states, cumulative. Measured against nothing: a shop with a healthy list.
EMAIL_STATES = (
    (0.72, "SUBSCRIBED"),
    (0.90, "NOT_SUBSCRIBED"),
    (0.98, "UNSUBSCRIBED"),
    (0.995, "PENDING"),
    (1.0, "INVALID"),
)


def first_name(index: int) -> str:
    return pick(FIRST_NAMES, index, 1)


def last_name(index: int) -> str:
    return pick(LAST_NAMES, index, 2)


def email(index: int) -> str:
    """Unique by its number."""
    return f"{first_name(index)}.{last_name(index)}{index}@{DOMAINS[index % 3]}".lower()


def email_state(index: int) -> str:
    share = fraction(index, 3)
    return next(state for upper, state in EMAIL_STATES if share < upper)


def customer_row(
    index: int, customer_id: int, shop_id: int, *, orders_count: int, spent_minor: int, last_order_id: int | None,
    created_at: str, updated_at: str,
) -> tuple[object, ...]:  # fmt: skip
    """A row of the customers table, in the record's field order."""
    city, province, province_code, country, postcode, locale = pick(PLACES, index, 4)
    state = email_state(index)
    consented = state in ("SUBSCRIBED", "UNSUBSCRIBED")
    texts = fraction(index, 5) < 0.15
    tracking = fraction(index, 6)
    return (
        customer_id,
        shop_id,
        email(index),
        f"+1555{index % 10_000_000:07d}" if texts else None,
        first_name(index),
        last_name(index),
        locale,
        _tags(index, orders_count, spent_minor),
        None,
        state,
        ("CONFIRMED_OPT_IN" if fraction(index, 7) < 0.2 else "SINGLE_OPT_IN") if consented else None,
        created_at if consented else None,
        "SUBSCRIBED" if texts and fraction(index, 8) < 0.4 else "NOT_SUBSCRIBED",
        created_at if texts else None,
        "OPTED_OUT" if tracking < 0.03 else "OPTED_IN" if tracking < 0.1 else "UNKNOWN",
        f"{1 + index % 180} {pick(STREETS, index, 9)}",
        city,
        province,
        province_code,
        country,
        postcode,
        orders_count,
        spent_minor,
        last_order_id,
        created_at,
        updated_at,
        None,
    )


def _tags(index: int, orders_count: int, spent_minor: int) -> str:
    tags = []
    if spent_minor >= 50_000:
        tags.append("vip")
    if orders_count >= 10:
        tags.append("regular")
    if fraction(index, 10) < 0.4:
        tags.append(pick(TASTES, index, 11) + "-fan")
    return ",".join(sorted(tags))
