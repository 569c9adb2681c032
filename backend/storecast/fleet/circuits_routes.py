"""The API of circuits: for operators only, since a host's circuit holds for every shop."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from storecast.fleet import circuits
from storecast.fleet.circuits_schemas import CircuitRow, CloseRequest
from storecast.kit.errors import Forbidden
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require


def _operators_only(principal: CurrentPrincipal) -> None:
    if principal.role != "operator":
        raise Forbidden("Only operators may do this: it concerns every shop.")


router = APIRouter(prefix="/circuits", tags=["circuits"], dependencies=[Depends(_operators_only)])

Host = Annotated[str, Path(min_length=1, max_length=255)]


@router.get("", dependencies=[require(Permission.READ)])
def list_circuits() -> list[CircuitRow]:
    """External hosts that failed lately, those that are left alone first."""
    return circuits.list_circuits()


@router.post("/{host}/close", dependencies=[require(Permission.OPERATE)])
def close_circuit(
    session: TenantDb, principal: CurrentPrincipal, host: Host, body: CloseRequest | None = None
) -> CircuitRow:
    """Let calls to the host through at once."""
    return circuits.close(
        session,
        principal.shop_id,
        principal.actor,
        host,
        reason=body.reason if body else None,
    )
