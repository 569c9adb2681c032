"""The API of processes."""

from fastapi import APIRouter

from storecast.db.session import platform_session, tenant_session
from storecast.fleet import service
from storecast.fleet.schemas import CommandRequest, FleetCommand, OrphanRow, Workers
from storecast.kit.clock import utcnow
from storecast.shops.access import CurrentPrincipal, Permission, PlatformDb, require

router = APIRouter(tags=["workers"])


@router.get("/workers", dependencies=[require(Permission.READ)])
def get_workers(principal: CurrentPrincipal) -> Workers:
    """The processes that do the work, those in trouble first. What each runs is for operators."""
    if principal.role == "operator":
        with platform_session() as session:
            return service.list_workers(session, now=utcnow(), everything=True)
    with tenant_session(principal.shop_id) as session:
        return service.list_workers(session, now=utcnow())


@router.get("/workers/{name}/orphans", dependencies=[require(Permission.READ)])
def list_orphans(session: PlatformDb, name: str) -> list[OrphanRow]:
    """Jobs that a process left behind when it was lost, and what became of them."""
    return service.list_orphans(session, name)


@router.post("/workers/{name}/commands", dependencies=[require(Permission.OPERATE)])
def ask_worker(
    session: PlatformDb, principal: CurrentPrincipal, name: str, request: CommandRequest
) -> FleetCommand:
    """Ask a worker to drain, resume, stop or resize; done when the command says so."""
    return service.ask(session, principal.shop_id, principal.actor, name, request, now=utcnow())
