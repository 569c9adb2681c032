"""Composable queries over shops that authentication joins."""

from typing import Any

from sqlalchemy import BindParameter, Select, and_, or_, select

from storecast.shops.models import Shop, ShopToken


def served(now: BindParameter[Any]) -> Select[int, str, str, bool]:
    """Installed shops: id, domain, currency, and whether their token is ``usable`` (as `tokens.is_usable` says)."""
    renewable = and_(
        ShopToken.refresh_token.is_not(None),
        or_(ShopToken.refresh_expires_at.is_(None), ShopToken.refresh_expires_at > now),
    )
    usable = and_(
        ShopToken.state == "valid",
        or_(ShopToken.expires_at.is_(None), ShopToken.expires_at > now, renewable),
    )
    query = select(Shop.id, Shop.domain, Shop.currency, usable.label("usable"))
    return query.outerjoin(ShopToken, ShopToken.shop_id == Shop.id).where(Shop.state == "installed")
