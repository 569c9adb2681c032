"""The Admin API's address: `POST /{shop}/admin/api/{version}/graphql.json`."""

from __future__ import annotations

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulator.admin_api.api import AdminApi
from simulator.store import Store

UNSERVED = {402: "Unavailable Shop", 404: "Not Found", 423: "Locked"}


def routes(store: Store, api: AdminApi) -> list[BaseRoute]:
    async def graphql(request: Request) -> Response:
        shop = await run_in_threadpool(store.shops.find, request.path_params["shop"])
        if shop is None:
            return _json(404, {"errors": "Not Found"})
        status = store.shop_status.get(shop.domain, 200)
        if status != 200:
            return _json(status, {"errors": UNSERVED[status]})
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            return _json(400, {"errors": {"query": "Required parameter missing or invalid"}})
        token = request.headers.get("x-shopify-access-token")
        answer = await run_in_threadpool(api.handle, shop, request.path_params["version"], token, body)
        return _json(answer.status, answer.body)

    return [Route("/{shop}/admin/api/{version}/graphql.json", graphql, methods=["POST"])]


def _json(status: int, body: object) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json; charset=utf-8")
