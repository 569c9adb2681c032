"""The API of sending channels."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.db.session import tenant_session
from storecast.kit.sealing import SealBroken
from storecast.messaging import delivery, models, sending_channels
from storecast.messaging.channels import smtp_url
from storecast.messaging.channels.protocol import ChannelUnavailable
from storecast.messaging.sending_channels_schemas import (
    ChannelInput,
    ChannelOrder,
    SendingChannel,
    SendingChannels,
)
from storecast.shops.access import CurrentPrincipal, Permission, Principal, TenantDb, require

router = APIRouter(prefix="/sending/channels", tags=["sending"])

ChannelId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("", dependencies=[require(Permission.READ)])
def list_sending_channels(db: TenantDb, principal: CurrentPrincipal) -> SendingChannels:
    """The shop's channels in the order in which they are tried; credentials are not shown."""
    return _listed(db, principal)


@router.post("", status_code=201, dependencies=[require(Permission.MANAGE)])
def add_sending_channel(body: ChannelInput, db: TenantDb, principal: CurrentPrincipal) -> SendingChannel:
    """Add a server or a provider behind the others."""
    return _shown(sending_channels.add(db, principal.shop_id, body, actor=principal.actor), principal)


@router.put("/order", dependencies=[require(Permission.MANAGE)])
def order_sending_channels(body: ChannelOrder, db: TenantDb, principal: CurrentPrincipal) -> SendingChannels:
    """Set the order in which the channels are tried."""
    sending_channels.reorder(db, principal.shop_id, body.ids, actor=principal.actor)
    return _listed(db, principal)


@router.put("/{sending_channel_id}", dependencies=[require(Permission.MANAGE)])
def replace_sending_channel(
    sending_channel_id: ChannelId, body: ChannelInput, db: TenantDb, principal: CurrentPrincipal
) -> SendingChannel:
    """Replace a channel's settings; its secret stays when none is given and it leads where it led."""
    row = sending_channels.replace(db, principal.shop_id, sending_channel_id, body, actor=principal.actor)
    return _shown(row, principal)


@router.delete("/{sending_channel_id}", status_code=204, dependencies=[require(Permission.MANAGE)])
def remove_sending_channel(sending_channel_id: ChannelId, db: TenantDb, principal: CurrentPrincipal) -> None:
    """Remove a channel and its credentials."""
    sending_channels.remove(db, principal.shop_id, sending_channel_id, actor=principal.actor)


@router.post("/{sending_channel_id}/test", dependencies=[require(Permission.MANAGE)])
def test_sending_channel(sending_channel_id: ChannelId, principal: CurrentPrincipal) -> SendingChannel:
    """Connect and sign in now, without sending anything; ``error`` says why that failed.

    Doing it again changes nothing.
    """
    unit_of_work = partial(tenant_session, principal.shop_id)
    error = None
    try:
        with unit_of_work() as session:
            row = sending_channels.get(session, principal.shop_id, sending_channel_id)
            outlet = delivery.outlet(principal.shop_id, row)
        with delivery.opened(delivery.Route(None, (outlet,), {})) as channel:
            channel.connect()
    except ChannelUnavailable as unavailable:
        error = str(unavailable)
    except SealBroken:
        error = "The credentials do not open; enter them again."
    with unit_of_work() as session:
        row = sending_channels.record_test(session, principal.shop_id, sending_channel_id, error)
    return _shown(row, principal)


def _listed(session: Session, principal: Principal) -> SendingChannels:
    rows = sending_channels.list_all(session, principal.shop_id)
    return SendingChannels(
        channels=[_shown(row, principal) for row in rows],
        installation_servers=len(smtp_url.parse_all(get_settings().smtp_url)),
        in_use="shop" if any(row.enabled for row in rows) else "installation",
    )


def _shown(row: models.SendingChannel, principal: Principal) -> SendingChannel:
    return SendingChannel.model_validate(
        {
            "id": row.public_id,
            "kind": row.kind,
            "title": row.title,
            "enabled": row.enabled,
            "config": row.config,
            "has_secret": row.secret is not None,
            "returns_url": sending_channels.returns_url(row.public_id)
            if Permission.MANAGE in principal.permissions
            else None,
            "has_returns_secret": row.returns_secret is not None,
            "connections": row.connections,
            "per_second": row.per_second,
            "signs_itself": row.kind in sending_channels.SIGNS_ITSELF,
            "tested_at": row.tested_at,
            "error": row.error,
        }
    )
