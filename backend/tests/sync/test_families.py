"""What an order or product has lost goes when a bulk result shows the rest of it, and nothing else ever does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.sync import importer
from storecast.sync.importer import CHUNK_LINES, MAX_FAMILY_LINES, Piece
from storecast.sync.resources import Resource
from tests.sync.test_importer import JULY, JUNE, MAY, line, money, order, order_line


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def import_result(
    shop_id: ShopId, *lines: bytes, resource: Resource = "orders", families: bool = True
) -> None:
    with tenant_session(shop_id) as session:
        importer.import_chunk(session, shop_id, resource, lines, families=families)


def numbers(shop_id: ShopId, table: str = "order_lines") -> list[int]:
    with tenant_session(shop_id) as session:
        gids = session.scalars(text(f"SELECT gid FROM {table}")).all()
        return sorted(int(gid.rpartition("/")[2]) for gid in gids)


def test_lines_that_an_order_has_lost_go_and_those_of_others_stay(shop_id: ShopId) -> None:
    import_result(
        shop_id,
        order(1),
        order_line(11, 1),
        order_line(12, 1),
        order(2),
        order_line(21, 2),
        order(3),
        order_line(31, 3),
    )

    import_result(shop_id, order(1, updated=JUNE), order_line(12, 1), order_line(13, 1), order(3))

    assert numbers(shop_id) == [12, 13, 21, 31]


def test_variants_that_a_product_has_lost_go(shop_id: ShopId) -> None:
    def product(number: int, updated: str) -> bytes:
        price = {"minVariantPrice": {"amount": "1.00", "currencyCode": "USD"}}
        gid = f"gid://shopify/Product/{number}"
        return line(id=gid, title="Record", handle="record", updatedAt=updated, priceRangeV2=price)

    def variant(number: int, of: int) -> bytes:
        gid = f"gid://shopify/ProductVariant/{number}"
        return line(id=gid, title="LP", price="1.00", __parentId=f"gid://shopify/Product/{of}")

    import_result(
        shop_id,
        product(1, MAY),
        variant(11, 1),
        variant(12, 1),
        product(2, MAY),
        variant(21, 2),
        resource="products",
    )
    import_result(shop_id, product(1, JUNE), variant(12, 1), resource="products")
    assert numbers(shop_id, "product_variants") == [12, 21]


BROKEN = order_line(12, 1, originalUnitPriceSet=money("a lot"))


@pytest.mark.parametrize(
    ("lines", "families"),
    [
        ([order(1, updated=JUNE), order(2), order_line(11, 1), order_line(21, 2)], True),
        ([order_line(11, 1), order(1, updated=JUNE)], True),
        ([order(1, updated=JUNE), order_line(11, 1), BROKEN], True),
        ([order(1, updated=JUNE), order_line(11, 1)], False),
        ([order(1, updated=MAY), order_line(11, 1)], True),
    ],
    ids=["by blocks", "line ahead of its order", "a line refused", "cut", "older than what is stored"],
)
def test_nothing_goes_that_the_chunk_does_not_show_to_be_gone(
    shop_id: ShopId, lines: list[bytes], families: bool
) -> None:
    import_result(shop_id, order(1, updated=JUNE), order_line(11, 1), order_line(12, 1))
    import_result(shop_id, *lines, families=families)
    assert 12 in numbers(shop_id)


def test_a_result_as_old_as_its_order_takes_nothing_of_a_newer_one(shop_id: ShopId) -> None:
    import_result(shop_id, order(1, updated=JULY), order_line(11, 1), order_line(12, 1))
    import_result(shop_id, order(1, updated=JUNE), order_line(11, 1))
    assert numbers(shop_id) == [11, 12]


@given(st.lists(st.integers(0, 2 * CHUNK_LINES), min_size=1, max_size=3))
@settings(max_examples=20)
def test_chunks_hold_every_line_once_and_cut_no_family_unless_they_say_so(sizes: list[int]) -> None:
    """``sizes`` are the children of the parents in the file."""
    parent, child = b'{"id":"p"}', b'{"__parentId":"p"}'
    lines = [each for size in sizes for each in (parent, *[child] * size)]
    pieces: list[Piece] = list(zip(lines, range(len(lines)), strict=True))

    chunks = list(importer.in_chunks(pieces, families=True))

    assert [piece for chunk, _ in chunks for piece in chunk] == pieces
    for (chunk, whole), (following, _) in zip(chunks, [*chunks[1:], ([], True)], strict=True):
        assert 0 < len(chunk) <= CHUNK_LINES + MAX_FAMILY_LINES
        assert not (whole and following and following[0][0] == child)
        assert whole or len(chunk) == CHUNK_LINES + MAX_FAMILY_LINES
    assert not any(whole for _, whole in importer.in_chunks(pieces, families=False))
