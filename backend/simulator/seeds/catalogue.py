"""A record shop's shelves: about 120 albums by bands that do not exist, each with one or two formats."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.gids import FIRST_ID
from simulator.seeds.hashing import mix, pick, words
from simulator.state.records import Shop
from simulator.store import Store

ALBUMS = 120
POPULARITY_SLOTS = 4096
CREATED_AT = "2019-03-01T09:00:00Z"

ADJECTIVES = words(
    """
    Amber Blue Broken Copper Crimson Distant Electric Emerald Fading Gentle Golden Hollow Indigo Ivory
    Midnight Neon Northern Paper Quiet Restless Rolling Rusty Scarlet Silent Silver Southern Velvet
    Violet Wandering Winter
    """
)
NOUNS = [
    "Anchors",
    "Arcade",
    "Avenue",
    "Bloom",
    "Bridges",
    "Canyon",
    "Carousel",
    "Circuit",
    "Coast",
    "Compass",
    "Current",
    "Delta",
    "Echoes",
    "Ember",
    "Ferry",
    "Garden",
    "Harbor",
    "Horizon",
    "Lanterns",
    "Letters",
    "Lighthouse",
    "Meadow",
    "Mirrors",
    "Orchard",
    "Parade",
    "River",
    "Satellites",
    "Shadows",
    "Signals",
    "Station",
]
BANDS = [
    "The Tin Orchestra",
    "Marlow & Finch",
    "Saint Orrin",
    "Night Cartographers",
    "Luma Vale",
    "The Paper Kites Union",
    "Delia Moss",
    "Ferrous Wheel",
    "Hotel Meridian",
    "Ines Calloway Trio",
    "Kite Season",
    "The Long Division",
    "Mono Lake Choir",
    "Nora Bellweather",
    "Odd Lantern",
    "Parallel Rivers",
    "Quarter Moon Social",
    "The Rosewood Five",
    "Salt & Static",
    "Tall Ships Waiting",
    "Umbra Quartet",
    "Vesper Lane",
    "Wren Holloway",
    "Xylo Park",
    "The Yellow Pages",
    "Zephyr Street Band",
    "Ash Almanac",
    "Birch Parade",
    "Cobalt Hour",
    "Dovetail Ensemble",
]
GENRES = ("Rock", "Jazz", "Classical", "Electronic", "Folk", "Soul", "Pop", "Blues", "World", "Soundtrack")
LABELS = ("Lantern Records", "Second Street", "Harbor Sound", "Blue Door", "Northlight", "Copper Disc")
CD_PRICES_MINOR = (899, 999, 1099, 1199, 1299, 1349, 1399, 1499, 1599, 1699)
VINYL_EXTRA_MINOR = 900


def stock(store: Store, shop: Shop) -> list[int]:
    """Fill the shelves; the answer is a table to draw variants from, popular albums filling more of it."""
    offset = _held(store)
    product_base, variant_base = FIRST_ID["Product"] + offset * 2, FIRST_ID["ProductVariant"] + offset * 4
    products, variants, cds = [], [], []
    for index in range(ALBUMS):
        title = f"{ADJECTIVES[index % 30]} {NOUNS[(index * 7 + index // 30 * 11) % 30]}"
        band, genre = BANDS[mix(index, 21) % 30], GENRES[mix(index, 22) % 10]
        handle = f"{title}-{band}".lower().replace("&", "and").replace(" ", "-")
        product_id, price = product_base + index, pick(CD_PRICES_MINOR, index, 23)
        products.append(
            (product_id, shop.id, handle, f"{title} – {band}", pick(LABELS, index, 24), genre, "ACTIVE",
             f"{genre.lower()},album", f"<p>{title}, an album by {band}. {genre}, recorded in one room.</p>",
             f"/covers/{handle}.svg", CREATED_AT, CREATED_AT, None)
        )  # fmt: skip
        variant_id = variant_base + index * 2
        cds.append(variant_id)
        variants.append((variant_id, shop.id, product_id, "CD", f"CD-{1000 + index}", price, 500, 1))
        if index % 3 == 0:
            vinyl = (
                variant_id + 1,
                shop.id,
                product_id,
                "Vinyl",
                f"LP-{1000 + index}",
                price + VINYL_EXTRA_MINOR,
                80,
                2,
            )
            variants.append(vinyl)
    with store.database.write() as connection:
        connection.executemany(
            "insert into products values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", products
        )
        connection.executemany("insert into variants values (?, ?, ?, ?, ?, ?, ?, ?)", variants)
    return draw_table(cds)


def draw_table(variant_ids: Sequence[int]) -> list[int]:
    """A fixed-size table in which the k-th most popular variant holds a share of about 1/(k+8)."""
    weights = [1 / (rank + 8) for rank in range(len(variant_ids))]
    scale = POPULARITY_SLOTS / sum(weights)
    table: list[int] = []
    for variant_id, weight in zip(variant_ids, weights, strict=True):
        table.extend([variant_id] * max(1, round(weight * scale)))
    return table


def _held(store: Store) -> int:
    return int(store.database.scalar("select count(*) from products"))
