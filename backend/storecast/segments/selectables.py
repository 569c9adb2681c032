"""Composable queries over uploaded lists."""

from sqlalchemy import Select, select

from storecast.kit.types import ShopId
from storecast.segments.models import CustomerListMember


def list_members(shop_id: ShopId, list_id: int) -> Select[int]:
    """The customers of an uploaded list: customer_id."""
    return select(CustomerListMember.customer_id).where(
        CustomerListMember.shop_id == shop_id, CustomerListMember.list_id == list_id
    )
