"""Executes Admin API requests: access, faults, validation, cost, rate limit, then the resolvers.

Everything that the platform answers with HTTP 200 and `errors` is answered so here; only the token and the transport
have other statuses.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    execute_sync,
    get_named_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from simulator.admin_api import listings, scopes
from simulator.admin_api.context import Context
from simulator.admin_api.cost import MAX_QUERY_COST, PageSizeRefused, query_cost
from simulator.admin_api.mutations import MUTATIONS, access_denied
from simulator.admin_api.objects import CONNECTIONS, Getter, getter, type_name
from simulator.admin_api.queries import QUERIES
from simulator.admin_api.throttle import Throttle
from simulator.bulk.runner import BulkRunner
from simulator.config import API_VERSION, SimulatorConfig
from simulator.schema import AdminSchema, load
from simulator.state.records import Shop, Token
from simulator.store import Store
from simulator.world import World

MAX_ARRAY = 250
RATE_LIMITS = "https://shopify.dev/api/usage/rate-limits"
COST_MESSAGE = (
    "Query cost is {cost}, which exceeds the single query max cost limit ({limit}).\n\nSee"
    " https://shopify.dev/concepts/about-apis/rate-limits for more information on how the cost of a query is"
    " calculated.\n\nTo query larger amounts of data with fewer limits, bulk operations should be used instead."
)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """One operation of a document, ready to be counted and run."""

    document: DocumentNode
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]


class AdminApi:
    def __init__(self, config: SimulatorConfig, store: Store, world: World, runner: BulkRunner) -> None:
        self._config = config
        self._store = store
        self._world = world
        self._runner = runner
        self._throttle = Throttle(config.throttle_restore_rate)
        self._getters: dict[tuple[str, str], Getter] = {}

    def handle(self, shop: Shop, version: str, access_token: str | None, request: Any) -> Answer:
        """One POST of `graphql.json`, its body already parsed."""
        faults = self._store.faults
        if faults.slow_ms:
            time.sleep(faults.slow_ms / 1000)
        if faults.bites("http_5xx"):
            return Answer(503, {"errors": "Service Unavailable"})
        token = self._store.access.authenticate(shop.id, access_token) if access_token else None
        if token is None or faults.token_revoked:
            message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return Answer(401, {"errors": message})
        if version not in (API_VERSION, "unstable"):
            return Answer(404, {"errors": "Not Found"})
        if not isinstance(request, dict) or not isinstance(request.get("query"), str):
            return Answer(400, {"errors": {"query": "Required parameter missing or invalid"}})
        variables = request.get("variables") or {}
        if not isinstance(variables, dict):
            return Answer(400, {"errors": {"variables": "must be an object"}})
        body = self._execute(shop, token, request["query"], variables, request.get("operationName"))
        if request["query"].lstrip().startswith("mutation") and faults.bites("lost_answer"):
            return Answer(502, {"errors": "Bad Gateway"})
        return Answer(200, body)

    def context(self, shop: Shop, granted: str) -> Context:
        """What resolvers see with these scopes."""
        schema = load()
        held = scopes.effective(granted.split(","))
        return Context(
            self._config, self._store, self._world, self._runner, schema, shop, held, self._run_mutation
        )

    def _run_mutation(self, ctx: Context, mutation: str, variables: dict[str, Any]) -> dict[str, Any]:
        """One line of a bulk mutation: the answer without its cost, which the rate limit does not count."""
        document = _parsed(mutation)
        if isinstance(document, list):
            return {"errors": [error.formatted for error in document]}
        result = execute_sync(
            ctx.schema.graphql, document, context_value=ctx, variable_values=variables,
            field_resolver=self._resolve, type_resolver=_resolve_type,
        )  # fmt: skip
        errors = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
        return {"data": result.data, **errors}

    def _execute(
        self, shop: Shop, token: Token, query: str, variables: dict[str, Any], name: str | None
    ) -> dict[str, Any]:
        ctx = self.context(shop, token.scopes)
        prepared = _prepare(ctx.schema, query, name)
        if not isinstance(prepared, _Prepared):
            return {"errors": [error.formatted for error in prepared]}
        coerced = get_variable_values(ctx.schema.graphql, prepared.operation.variable_definitions, variables)
        if isinstance(coerced, list):
            return {"errors": [error.formatted for error in coerced]}
        error = _oversized_array(variables)
        if error is not None:
            return {"errors": [error]}
        try:
            requested = query_cost(ctx.schema.graphql, prepared.operation, prepared.fragments, coerced)
        except PageSizeRefused as refused:
            return {"errors": [{"message": str(refused), "extensions": {"code": "BAD_REQUEST"}}]}
        if requested > MAX_QUERY_COST:
            return {"errors": [_too_costly(requested)]}
        throttled = self._store.faults.bites("throttle")
        if throttled or not self._throttle.take(shop.id, shop.plan, requested):
            return self._throttled(shop, requested)
        result = execute_sync(
            ctx.schema.graphql, prepared.document, context_value=ctx, variable_values=variables,
            operation_name=name, field_resolver=self._resolve, type_resolver=_resolve_type,
        )  # fmt: skip
        return self._answer(ctx, prepared, coerced, result, requested)

    def _answer(
        self,
        ctx: Context,
        prepared: _Prepared,
        variables: dict[str, Any],
        result: ExecutionResult,
        requested: int,
    ) -> dict[str, Any]:
        counted = query_cost(
            ctx.schema.graphql, prepared.operation, prepared.fragments, variables, result.data
        )
        # Plain lists have no size to be counted by beforehand; nobody pays more than was asked.
        actual = min(requested, counted)
        self._throttle.give_back(ctx.shop.id, ctx.shop.plan, requested - actual)
        body: dict[str, Any] = {}
        if result.data is not None or not result.errors:
            body["data"] = result.data
        if result.errors:
            body["errors"] = [error.formatted for error in result.errors]
        body["extensions"] = {
            "cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": self._throttle.status(ctx.shop.id, ctx.shop.plan),
            }
        }
        if ctx.warnings:
            body["extensions"]["search"] = ctx.warnings
        return body

    def _throttled(self, shop: Shop, requested: int) -> dict[str, Any]:
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": RATE_LIMITS}}
        cost = {
            "requestedQueryCost": requested,
            "actualQueryCost": None,
            "throttleStatus": self._throttle.status(shop.id, shop.plan),
        }
        return {"errors": [error], "extensions": {"cost": cost}}

    def _resolve(self, source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
        ctx: Context = info.context
        parent, field = info.parent_type.name, info.field_name
        required = scopes.missing(ctx.schema, ctx.scopes, parent, field, info.return_type)
        if required is not None:
            raise access_denied(field, required)
        if parent == "QueryRoot" or parent == "Mutation":
            resolver = (QUERIES if parent == "QueryRoot" else MUTATIONS).get(field)
            if resolver is None:
                raise GraphQLError(
                    f"{field} is valid on the Admin API {API_VERSION}, but this simulator does not play it",
                    extensions={"code": "NOT_SIMULATED"},
                )
            return resolver(ctx, args)
        if get_named_type(info.return_type).name.endswith("Connection") and not isinstance(source, dict):
            listed = CONNECTIONS.get((parent, field))
            return listings.page_of_list(listed(source, ctx, args) if listed else [], args)
        read = self._getters.get((parent, field))
        if read is None:
            read = self._getters[parent, field] = getter(parent, field, info.return_type)
        return read(source, ctx)


def _resolve_type(value: Any, info: GraphQLResolveInfo, abstract: Any) -> str | None:
    return type_name(value)


@lru_cache(maxsize=512)
def _parsed(query: str) -> DocumentNode | list[GraphQLError]:
    """The document, valid on the schema, or what is wrong with it."""
    try:
        document = parse(query)
    except GraphQLSyntaxError as problem:
        return [problem]
    return validate(load().graphql, document) or document


def _prepare(schema: AdminSchema, query: str, name: str | None) -> _Prepared | list[GraphQLError]:
    document = _parsed(query)
    if isinstance(document, list):
        return document
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    chosen = [node for node in operations if name is None or (node.name and node.name.value == name)]
    if len(chosen) != 1:
        message = f"No operation named {name!r}" if name else "An operation name is required"
        return [GraphQLError(message)]
    return _Prepared(document, chosen[0], fragments)


def _too_costly(cost: int) -> dict[str, Any]:
    return {
        "message": COST_MESSAGE.format(cost=cost, limit=MAX_QUERY_COST),
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": cost,
            "maxCost": MAX_QUERY_COST,
            "documentation": RATE_LIMITS,
        },
    }


def _oversized_array(value: Any, path: str = "") -> dict[str, Any] | None:
    """Input arrays hold 250 items at most."""
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = [(f"{path}.{key}".lstrip("."), item) for key, item in value.items()]
    elif isinstance(value, list):
        if len(value) > MAX_ARRAY:
            message = (
                f"The input array size of {len(value)} is greater than the maximum allowed of {MAX_ARRAY}."
            )
            return {"message": message, "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}, "path": [path]}
        children = [(f"{path}.{index}", item) for index, item in enumerate(value)]
    return next((error for key, item in children if (error := _oversized_array(item, key))), None)
