"""The API of sending domains."""

from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy.orm import Session

from storecast.db.session import tenant_session
from storecast.messaging import models, sending_domains
from storecast.messaging.resolver import process_resolver
from storecast.messaging.sending_domains_schemas import DomainInput, SendingDomain
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/sending/domains", tags=["sending"])

DomainId = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("", dependencies=[require(Permission.READ)])
def list_sending_domains(db: TenantDb, principal: CurrentPrincipal) -> list[SendingDomain]:
    """The shop's domains, with the records to publish and what was found last."""
    return [_shown(db, row) for row in sending_domains.list_all(db, principal.shop_id)]


@router.post("", status_code=201, dependencies=[require(Permission.MANAGE)])
def add_sending_domain(body: DomainInput, db: TenantDb, principal: CurrentPrincipal) -> SendingDomain:
    """Add a domain and make its keys; the answer says what to publish."""
    row = sending_domains.add(db, principal.shop_id, body.domain, actor=principal.actor)
    db.flush()
    db.refresh(row)
    return _shown(db, row)


@router.post("/{domain_id}/verify", dependencies=[require(Permission.MANAGE)])
def verify_sending_domain(domain_id: DomainId, principal: CurrentPrincipal) -> SendingDomain:
    """Ask DNS now. Doing it again changes nothing."""
    unit_of_work = partial(tenant_session, principal.shop_id)
    sending_domains.check(unit_of_work, principal.shop_id, domain_id, process_resolver())
    with unit_of_work() as session:
        return _shown(session, sending_domains.get(session, principal.shop_id, domain_id))


@router.post("/{domain_id}/rotate", dependencies=[require(Permission.MANAGE)])
def rotate_sending_keys(domain_id: DomainId, db: TenantDb, principal: CurrentPrincipal) -> SendingDomain:
    """Make new keys; the ones in use sign on until the new ones are published and found."""
    return _shown(db, sending_domains.rotate(db, principal.shop_id, domain_id, actor=principal.actor))


@router.delete("/{domain_id}", status_code=204, dependencies=[require(Permission.MANAGE)])
def remove_sending_domain(domain_id: DomainId, db: TenantDb, principal: CurrentPrincipal) -> None:
    """Remove a domain and its keys; its records can go after a week."""
    sending_domains.remove(db, principal.shop_id, domain_id, actor=principal.actor)


def _shown(session: Session, row: models.SendingDomain) -> SendingDomain:
    pairs = sending_domains.keys(session, row)
    return SendingDomain.model_validate(
        {
            "id": row.public_id,
            "domain": row.domain,
            "state": row.state,
            "checks": row.checks,
            "records": [asdict(record) for record in sending_domains.records(row, pairs)],
            "dmarc_policy": row.dmarc_policy,
            "rotating": len(pairs) > 1 and any(pair.state == "pending" for pair in pairs),
            "checked_at": row.checked_at,
            "verified_at": row.verified_at,
            "created_at": row.created_at,
        }
    )
