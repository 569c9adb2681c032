"""The operator's switches, as JSON: faults, webhooks by hand, orders by hand, and what the platform counts.

Requests name the shop by domain; without one they mean the demo shop. A request that cannot be used answers 422 with
`{"error": …}` and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulator import payloads
from simulator.app_manifest import COMPLIANCE_TOPICS
from simulator.config import SimulatorConfig
from simulator.gids import number_of
from simulator.id_tokens import mint_id_token
from simulator.seeds import shelves
from simulator.seeds.generated import fill as fill_generated
from simulator.state.records import Customer, Order, Shop, tag_list
from simulator.store import Store
from simulator.world import Checkout, World


class Unusable(Exception):
    """What is wrong with the request."""


Handler = Callable[[dict[str, Any]], Any]


def routes(config: SimulatorConfig, store: Store, world: World) -> list[BaseRoute]:
    switches = Switches(config, store, world)
    posts: dict[str, Handler] = {
        "faults": switches.set_faults,
        "webhooks/send": switches.send_webhook,
        "orders": switches.place_order,
        "orders/update": switches.update_order,
        "customers/consent": switches.change_consent,
        "customers/update": switches.update_customer,
        "customers/redact": switches.redact_customer,
        "customers/tags": switches.change_tags,
        "customers/delete": switches.delete_customer,
        "documents": switches.save_document,
        "documents/delete": switches.delete_document,
        "segments/members": switches.move_member,
        "products/delete": switches.delete_product,
        "products/sell_out": switches.sell_out_product,
        "orders/delete": switches.delete_order,
        "install": switches.install,
        "uninstall": switches.uninstall,
        "scopes": switches.change_scopes,
        "tokens/expire": switches.expire_tokens,
        "tokens/revoke": switches.revoke_tokens,
        "id_token": switches.id_token,
        "shops": switches.create_shop,
        "shops/status": switches.set_status,
    }
    return [
        Route("/control/state", _get(switches.state)),
        Route("/control/faults", _get(lambda query: store.faults.as_dict())),
        Route("/control/faults", _delete_faults(store), methods=["DELETE"]),
        Route("/control/webhooks", _get(switches.list_webhooks)),
        Route("/control/orders", _get(switches.list_orders)),
        Route("/control/documents", _get(switches.list_documents)),
        *(Route(f"/control/{path}", _post(handler), methods=["POST"]) for path, handler in posts.items()),
    ]


def _get(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await _answer(handler, dict(request.query_params))

    return endpoint


def _post(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
        except ValueError:
            return JSONResponse({"error": "the body is no JSON"}, 422)
        if not isinstance(body, dict):
            return JSONResponse({"error": "the body must be an object"}, 422)
        return await _answer(handler, body)

    return endpoint


def _delete_faults(store: Store) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        store.faults.clear()
        return JSONResponse(store.faults.as_dict())

    return endpoint


async def _answer(handler: Handler, given: dict[str, Any]) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(handler, given))
    except (Unusable, ValueError, KeyError, TypeError) as problem:
        text = f"{problem.args[0]} is missing" if isinstance(problem, KeyError) else str(problem)
        return JSONResponse({"error": text}, 422)


class Switches:
    def __init__(self, config: SimulatorConfig, store: Store, world: World) -> None:
        self._config = config
        self._store = store
        self._world = world

    def state(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "shops": [
                {
                    "domain": shop.domain,
                    "name": shop.name,
                    "installed": self._world.is_installed(shop),
                    "pixel": pixel.settings_fields() if (pixel := self._store.pixels.find(shop.id)) else None,
                    **self._store.totals(shop.id),
                }
                for shop in self._store.shops.list_shops()
            ],
            "webhooks": {"waiting": 0, "delivered": 0, "failed": 0, "dropped": 0}
            | self._store.deliveries.counts(),
            "topics": sorted(self._world.manifest.topics),
            "faults": self._store.faults.as_dict(),
        }

    def set_faults(self, given: dict[str, Any]) -> dict[str, Any]:
        self._store.faults.update(given)
        return self._store.faults.as_dict()

    def list_webhooks(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """The newest first; with their bodies when `bodies` is given."""
        return [
            {
                **({"body": json.loads(delivery.body)} if given.get("bodies") else {}),
                "webhook_id": delivery.webhook_id,
                "event_id": delivery.event_id,
                "topic": delivery.topic,
                "shop": delivery.shop_domain,
                "triggered_at": delivery.triggered_at,
                "state": delivery.state,
                "attempts": delivery.attempts,
                "last_status": delivery.last_status,
                "last_error": delivery.last_error,
            }
            for delivery in self._store.deliveries.list_recent(int(given.get("limit", 50)))
        ]

    def send_webhook(self, given: dict[str, Any]) -> dict[str, Any]:
        """Any topic; without a payload the one that the platform would send, of the given or the newest object."""
        topic, shop = str(given["topic"]), self._shop(given)
        body = given.get("payload")
        if body is None:
            body = self._payload(topic, shop, given)
        if not isinstance(body, dict):
            raise Unusable("payload must be an object")
        return {"webhook_id": self._world.webhooks.force(topic, shop.domain, body)}

    def _payload(self, topic: str, shop: Shop, given: dict[str, Any]) -> dict[str, Any]:
        if topic == "app/uninstalled":
            return payloads.shop(shop)
        if topic in COMPLIANCE_TOPICS:
            customer = None if topic == "shop/redact" else self._customer(shop, given)
            orders = (
                [order.id for order in self._store.orders.list_of_customer(customer.id)] if customer else []
            )
            return payloads.compliance(topic, shop, customer, orders)
        if topic.startswith("orders/"):
            return self._world.order_payload(shop, self._order(shop, given))
        if topic == "customers_email_marketing_consent/update":
            return payloads.email_consent(self._customer(shop, given))
        if topic == "customers/purchasing_summary":
            return payloads.purchasing_summary(shop, self._customer(shop, given))
        if topic.startswith("customers/"):
            return payloads.customer(shop, self._customer(shop, given))
        if topic.startswith("products/"):
            product = next(iter(self._store.products.list_products(shop.id, limit=1)), None)
            if product is None:
                raise Unusable(f"{shop.domain} has no products")
            return payloads.product(product, self._store.products)
        raise Unusable(f"topic {topic!r} needs a payload")

    def place_order(self, given: dict[str, Any]) -> dict[str, Any]:
        """`lines` is [{variant_id or handle, quantity}]; without any, one piece of the shop's first product."""
        shop = self._shop(given)
        known = {name for name in Checkout.__dataclass_fields__ if name not in ("email", "lines", "extra")}
        unknown = set(given) - known - {"shop", "customer_email", "lines"}
        if unknown:
            raise Unusable(f"unknown: {', '.join(sorted(unknown))}")
        options = {name: value for name, value in given.items() if name in known}
        options["discount_codes"] = tuple(options.get("discount_codes") or ())
        checkout = Checkout(
            email=given.get("customer_email"), lines=self._lines(shop, given.get("lines")), **options
        )
        return _described(self._world.place_order(shop, checkout))

    def _lines(self, shop: Shop, lines: Any) -> tuple[tuple[int, int], ...]:
        if not lines:
            product = next(iter(self._store.products.list_products(shop.id, limit=1)), None)
            if product is None:
                raise Unusable(f"{shop.domain} has no products")
            lines = [{"handle": product.handle}]
        return tuple((self._variant(shop, line), int(line.get("quantity", 1))) for line in lines)

    def _variant(self, shop: Shop, line: dict[str, Any]) -> int:
        if "handle" not in line:
            given = str(line["variant_id"])
            return number_of(given, "ProductVariant") or int(given)
        product = self._store.products.find_by_handle(shop.id, str(line["handle"]))
        if product is None:
            raise Unusable(f"{shop.domain} sells no {line['handle']!r}")
        return self._store.products.list_variants(product.id)[0].id

    def update_order(self, given: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(given)
        order = self._world.update_order(
            shop, self._order(shop, given), financial=given.get("financial_status"),
            fulfillment=given.get("fulfillment_status"), refunded_minor=given.get("refunded_minor"),
            cancelled=bool(given.get("cancelled")),
        )  # fmt: skip
        return _described(order)

    def list_orders(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        orders = self._store.orders.list_orders(self._shop(given).id, limit=int(given.get("limit", 20)))
        return [_described(order) for order in orders]

    def change_consent(self, given: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(given)
        customer = self._customer(shop, given)
        state = str(given["state"]).upper()
        at = str(given["at"]) if given.get("at") else None
        if given.get("channel") == "sms":
            changed = self._world.change_sms_consent(shop, customer.id, state, at=at)
            return payloads.sms_consent(changed or customer)
        changed = self._world.change_consent(shop, customer.id, state, at=at)
        return payloads.email_consent(changed or customer)

    def update_customer(self, given: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(given)
        changes = {
            name: str(given[name])
            for name in ("first_name", "last_name", "city", "note", "phone")
            if name in given
        }
        customer = self._customer(shop, given)
        changed = self._world.update_customer(shop, customer.id, **changes)
        return payloads.customer(shop, changed or customer)

    def change_tags(self, given: dict[str, Any]) -> dict[str, Any]:
        """`add` and `remove` are lists."""
        shop = self._shop(given)
        customer = self._customer(shop, given)
        add, remove = ([str(tag) for tag in given.get(name) or []] for name in ("add", "remove"))
        changed = self._world.change_tags(shop, customer.id, add=add, remove=remove) or customer
        return {"customer_id": f"gid://shopify/Customer/{customer.id}", "tags": tag_list(changed.tags)}

    def delete_customer(self, given: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(given)
        customer = self._customer(shop, given)
        self._world.delete_customer(shop, customer.id)
        return {"customer_id": f"gid://shopify/Customer/{customer.id}"}

    def save_document(self, given: dict[str, Any]) -> dict[str, Any]:
        """A collection, abandoned checkout or segment by hand: `kind`, `key` and the fields in `body`. No webhook."""
        body = given["body"]
        if not isinstance(body, dict):
            raise Unusable("body must be an object")
        kind = str(given["kind"])
        saved = self._store.documents.save(self._shop(given).id, kind, str(given["key"]), body)
        return {"id": f"gid://shopify/{kind}/{saved.id}"}

    def move_member(self, given: dict[str, Any]) -> dict[str, Any]:
        """Put a customer into the segment `segment`, or out of it with `joined: false`; tells of it."""
        shop, joined = self._shop(given), bool(given.get("joined", True))
        customer, number = self._customer(shop, given), number_of(str(given["segment"]), "Segment")
        found = self._store.documents.find_by_id(shop.id, "Segment", number) if number else None
        if found is None:
            raise Unusable(f"{given['segment']!r} is no segment of the shop")
        fields = found.fields()
        moved = {**fields.get("moved", {}), str(customer.id): joined}
        self._store.documents.save(shop.id, "Segment", found.key, {**fields, "moved": moved})
        topic = "customer.joined_segment" if joined else "customer.left_segment"
        body = payloads.segment_member(shop, customer, str(given["segment"]))
        return {"webhook_id": self._world.webhooks.send(topic, shop, body), "body": body}

    def list_documents(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        """What the app left on the platform, of a kind: `key` and the fields."""
        found = self._store.documents.list_documents(self._shop(query).id, str(query["kind"]))
        return [{"key": each.key, **each.fields()} for each in found]

    def delete_document(self, given: dict[str, Any]) -> dict[str, Any]:
        """Without a webhook, as if it had been lost."""
        kind = str(given["kind"])
        number = number_of(str(given["id"]), kind)
        if number is None:
            raise Unusable(f"{given['id']!r} is no {kind}")
        self._store.documents.forget(self._shop(given).id, kind, number)
        return {"id": given["id"]}

    def sell_out_product(self, given: dict[str, Any]) -> dict[str, Any]:
        """Nothing is left of any variant."""
        number = number_of(str(given["id"]), "Product")
        with self._store.database.write() as connection:
            connection.execute("update variants set inventory = 0 where product_id = ?", (number,))
        self._store.products.forget()
        return {"id": given["id"]}

    def delete_product(self, given: dict[str, Any]) -> dict[str, Any]:
        """Without a webhook, as if it had been lost."""
        number = number_of(str(given["id"]), "Product")
        with self._store.database.write() as connection:
            connection.execute("delete from products where id = ?", (number,))
            connection.execute("delete from variants where product_id = ?", (number,))
        self._store.products.forget()
        return {"id": given["id"]}

    def delete_order(self, given: dict[str, Any]) -> dict[str, Any]:
        """Without a webhook, as if it had been lost."""
        order = self._order(self._shop(given), given)
        with self._store.database.write() as connection:
            connection.execute("delete from orders where id = ?", (order.id,))
        return {"id": f"gid://shopify/Order/{order.id}"}

    def redact_customer(self, given: dict[str, Any]) -> dict[str, Any]:
        """The privacy webhook goes out with the person's data, then the platform forgets them."""
        shop = self._shop(given)
        customer = self._customer(shop, given)
        sent = self.send_webhook({**given, "topic": "customers/redact", "shop": shop.domain})
        self._store.customers.redact(shop.id, customer.id)
        return sent

    def install(self, given: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(given)
        self._world.install(shop)
        return {"shop": shop.domain, "scopes": list(self._world.manifest.scopes)}

    def uninstall(self, given: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(given)
        self._world.uninstall(shop)
        return {"shop": shop.domain}

    def change_scopes(self, given: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(given)
        scopes = given["scopes"]
        if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
            raise Unusable("scopes must be a list of names")
        self._world.change_scopes(shop, scopes)
        return {"shop": shop.domain, "scopes": scopes}

    def expire_tokens(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"expired": self._store.access.expire_all(self._shop(given).id)}

    def revoke_tokens(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"revoked": self._store.access.revoke_all(self._shop(given).id)}

    def id_token(self, given: dict[str, Any]) -> dict[str, Any]:
        """What App Bridge would hand to this user's browser; the owner's without `user_id`."""
        shop = self._shop(given)
        user_id = int(given.get("user_id") or self._store.shops.list_users(shop.id)[0].id)
        return {"id_token": mint_id_token(self._config, shop, user_id)}

    def create_shop(self, given: dict[str, Any]) -> dict[str, Any]:
        """One more shop with a generated history."""
        domain = str(given["domain"])
        if not domain.endswith(".myshopify.com") or self._store.shops.find(domain) is not None:
            raise Unusable(f"{domain!r} is taken or not under myshopify.com")
        with self._store.database.write():
            shop = self._store.shops.create(
                domain, str(given.get("name") or domain), plan=str(given.get("plan") or "Basic")
            )
            fill_generated(self._store, shop, int(given.get("customers", 100)))
            shelves.fill(self._store, shop)
        self._store.products.forget()
        return {"domain": domain, **self._store.totals(shop.id)}

    def set_status(self, given: dict[str, Any]) -> dict[str, Any]:
        """What every call to the shop is answered: 402 frozen, 404 closed, 423 locked, 200 open again."""
        shop, status = self._shop(given), int(given["status"])
        if status not in (200, 402, 404, 423):
            raise Unusable("status is one of 200, 402, 404, 423")
        self._store.shop_status[shop.domain] = status
        return {"shop": shop.domain, "status": status}

    def _shop(self, given: dict[str, Any]) -> Shop:
        domain = str(given.get("shop") or self._config.shop_domain)
        shop = self._store.shops.find(domain)
        if shop is None:
            raise Unusable(f"no shop {domain!r}")
        return shop

    def _customer(self, shop: Shop, given: dict[str, Any]) -> Customer:
        email = given.get("customer_email")
        number = number_of(str(given.get("customer_id") or ""), "Customer")
        if email:
            found = self._store.customers.find_by_email(shop.id, str(email))
        elif number:
            found = self._store.customers.find(shop.id, number)
        else:
            found = next(iter(self._store.customers.list_customers(shop.id, limit=1)), None)
        if found is None:
            raise Unusable(f"{shop.domain} has no such customer")
        return found

    def _order(self, shop: Shop, given: dict[str, Any]) -> Order:
        number = number_of(str(given.get("order_id") or ""), "Order")
        found = self._store.orders.find(shop.id, number) if number else None
        if found is None and not given.get("order_id"):
            found = next(iter(self._store.orders.list_orders(shop.id, limit=1)), None)
        if found is None:
            raise Unusable(f"{shop.domain} has no such order")
        return found


def _described(order: Order) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Order/{order.id}",
        "name": order.name,
        "email": order.email,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "created_at": order.created_at,
        "financial_status": order.financial_status,
        "cart_token": order.cart_token,
        "checkout_token": order.checkout_token,
        "landing_site": order.landing_site,
    }
