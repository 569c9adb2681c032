"""The hourly recount, and the count of one."""

from storecast.db.session import platform_session, tenant_session
from storecast.kit.types import ShopId
from storecast.segments import service
from storecast.segments.jobs import RecountEverywhere, RecountSegment, RecountSegments
from storecast.segments.tasks import recount_everywhere, recount_segment, recount_segments
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.factories.context import Context
from tests.factories.story import Story


def test_every_installed_shop_is_counted_anew(shop: Shop, other_shop: Shop) -> None:
    with platform_session() as session:
        gone = session.get(Shop, other_shop.id)
        assert gone is not None
        gone.state = "uninstalled"
    recount_everywhere(RecountEverywhere(), Context(None))
    shop_id = ShopId(shop.id)
    with platform_session() as session:
        assert len(outbox.pending(session, RecountSegments)) == 1
    with tenant_session(shop_id) as session:
        assert outbox.pending(session, RecountSegments) == [RecountSegments()]
        segment = service.create(session, shop_id, name="All", tree={"op": "and", "rules": []})
        Story(session, shop).customer()
    recount_segments(RecountSegments(), Context(shop_id))
    with tenant_session(shop_id) as session:
        assert service.get(session, shop_id, segment.public_id).member_count == 1


def test_one_segment_is_counted_and_tells_its_count(shop: Shop, other_shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        one, two = (
            service.create(session, shop_id, name=name, tree={"op": "and", "rules": []}).public_id
            for name in ("One", "Two")
        )
        Story(session, shop).customer()
    context = Context(shop_id)
    recount_segment(RecountSegment(one), context)
    assert context.results == {"member_count": 1}
    stranger = Context(ShopId(other_shop.id))
    recount_segment(RecountSegment(two), stranger)
    assert stranger.results == {}
    with tenant_session(shop_id) as session:
        counts = [service.get(session, shop_id, segment_id).member_count for segment_id in (one, two)]
    assert counts == [1, 0]
