"""What happens on the platform: installs, purchases, consent, and the webhooks that tell the app about them."""

from __future__ import annotations

import json
import secrets
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from simulator import payloads
from simulator.app_manifest import AppManifest
from simulator.clock import now_text
from simulator.config import SimulatorConfig
from simulator.id_tokens import mint_id_token
from simulator.state.records import Cart, Customer, Line, Order, Shop, lines_json, tag_list
from simulator.store import Store
from simulator.webhooks import Webhooks

FLAT_SHIPPING_MINOR = 499


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a buyer submits. Lines are (variant id, quantity) unless a cart brings its own."""

    email: str | None
    lines: tuple[tuple[int, int], ...] = ()
    first_name: str | None = None
    last_name: str | None = None
    city: str | None = None
    country_code: str = "US"
    accepts_marketing: bool = False
    discount_codes: tuple[str, ...] = ()
    cart_token: str | None = None
    checkout_token: str | None = None
    landing_site: str | None = None
    referring_site: str | None = None
    shipping_minor: int = FLAT_SHIPPING_MINOR
    test: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


class World:
    """Changes that others hear of. Thread-safe: each is one transaction and then its webhooks."""

    def __init__(
        self, config: SimulatorConfig, store: Store, manifest: AppManifest, webhooks: Webhooks
    ) -> None:
        self.config = config
        self.store = store
        self.manifest = manifest
        self.webhooks = webhooks
        self._order_lock = threading.Lock()

    # Installing

    def install(self, shop: Shop) -> None:
        """The merchant approves the app with the scopes of its manifest."""
        self.store.access.install(shop.id, list(self.manifest.scopes))

    def is_installed(self, shop: Shop) -> bool:
        return self.store.access.find_installation(shop.id) is not None

    def uninstall(self, shop: Shop) -> None:
        """Tokens and pixel die first, then `app/uninstalled` goes out, as on the platform."""
        self.store.access.uninstall(shop.id)
        self.webhooks.send("app/uninstalled", shop, payloads.shop(shop))

    def change_scopes(self, shop: Shop, scopes: list[str]) -> None:
        installation = self.store.access.find_installation(shop.id)
        previous = installation.scopes.split(",") if installation else []
        self.store.access.set_scopes(shop.id, scopes)
        self.webhooks.send("app/scopes_update", shop, payloads.scopes_update(shop, previous, scopes))

    def mint_id_token(self, shop: Shop, user_id: int, *, session_id: str | None = None) -> str:
        return mint_id_token(self.config, shop, user_id, session_id=session_id)

    # Buying

    def complete_checkout(self, shop: Shop, cart: Cart, checkout: Checkout) -> Order:
        """The cart becomes an order; completing it twice answers the same order."""
        if cart.order_id is not None:
            order = self.store.orders.find(shop.id, cart.order_id)
            if order is not None:
                return order
        cart = self.store.carts.start_checkout(cart)
        order = self._place(shop, checkout, list(cart.line_items), cart)
        self.store.carts.complete(cart, order.id)
        return order

    def place_order(self, shop: Shop, checkout: Checkout) -> Order:
        """An order from lines alone; ValueError names a variant that this shop does not sell."""
        lines = []
        for variant_id, quantity in checkout.lines:
            variant = self.store.products.find_variant(shop.id, variant_id)
            if variant is None:
                raise ValueError(f"shop {shop.domain} sells no variant {variant_id}")
            lines.append(Line(variant_id, quantity, variant.price_minor))
        return self._place(shop, checkout, lines, None)

    def _place(self, shop: Shop, checkout: Checkout, lines: list[Line], cart: Cart | None) -> Order:
        if not lines or any(line.quantity < 1 for line in lines):
            raise ValueError("an order needs at least one line, each with a quantity of one or more")
        lines = _discounted(lines, self._discount_percent(shop, checkout.discount_codes))
        with self._order_lock, self.store.database.write():
            customer, is_new = self._buyer(shop, checkout)
            order = self._order(shop, checkout, lines, cart, customer)
            self.store.orders.insert(order)
            if customer is not None:
                self.store.customers.add_purchase(customer.id, order.id, order.total_minor)
            if self.store.meta(f"first_placed_order:{shop.id}") is None:
                self.store.set_meta(f"first_placed_order:{shop.id}", str(order.id))
        event_id = str(uuid.uuid4())
        if customer is not None:
            customer = self.store.customers.find(shop.id, customer.id) or customer
            topic = "customers/create" if is_new else "customers/update"
            self.webhooks.send(topic, shop, payloads.customer(shop, customer), event_id=event_id)
            if is_new and checkout.accepts_marketing:
                self._send_consent(shop, customer, event_id)
            self.webhooks.send(
                "customers/purchasing_summary",
                shop,
                payloads.purchasing_summary(shop, customer),
                event_id=event_id,
            )
        self.webhooks.send("orders/create", shop, self.order_payload(shop, order), event_id=event_id)
        self.webhooks.send("orders/paid", shop, self.order_payload(shop, order), event_id=event_id)
        return order

    def _buyer(self, shop: Shop, checkout: Checkout) -> tuple[Customer | None, bool]:
        if not checkout.email:
            return None, False
        existing = self.store.customers.find_by_email(shop.id, checkout.email)
        if existing is not None:
            return existing, False
        created = self.store.customers.create(
            shop.id, checkout.email, first_name=checkout.first_name, last_name=checkout.last_name, city=checkout.city,
            country_code=checkout.country_code, accepts_marketing=checkout.accepts_marketing,
        )  # fmt: skip
        return created, True

    def _order(
        self, shop: Shop, checkout: Checkout, lines: list[Line], cart: Cart | None, customer: Customer | None
    ) -> Order:
        discount = sum(line.discount_minor for line in lines)
        subtotal = sum(line.quantity * line.unit_price_minor for line in lines) - discount
        now = now_text()
        return Order(
            id=self.store.orders.next_id(), shop_id=shop.id, number=self.store.shops.take_order_number(shop.id),
            customer_id=customer.id if customer else None, email=checkout.email, currency=shop.currency,
            subtotal_minor=subtotal, discount_minor=discount, tax_minor=0, shipping_minor=checkout.shipping_minor,
            total_minor=subtotal + checkout.shipping_minor, refunded_minor=0, financial_status="PAID",
            fulfillment_status="UNFULFILLED", test=int(checkout.test), created_at=now, updated_at=now,
            cancelled_at=None, lines=lines_json(lines), discount_codes=json.dumps(list(checkout.discount_codes)),
            cart_token=checkout.cart_token or (cart.token if cart else secrets.token_hex(16)),
            checkout_token=checkout.checkout_token or (cart.checkout_token if cart else secrets.token_hex(16)),
            landing_site=checkout.landing_site or (cart.landing_site if cart else None),
            referring_site=checkout.referring_site or (cart.referring_site if cart else None),
            accepts_marketing=int(checkout.accepts_marketing),
            extra=json.dumps(checkout.extra) if checkout.extra else None,
        )  # fmt: skip

    def _discount_percent(self, shop: Shop, codes: tuple[str, ...]) -> float:
        """The best of the given codes that a discount of this shop knows."""
        best = 0.0
        for document in self.store.documents.list_documents(shop.id, "DiscountCodeNode") if codes else []:
            body = document.fields()
            if {code.lower() for code in codes} & {code.lower() for code in body.get("codes", [])}:
                best = max(best, float(body.get("percentage") or 0))
        return best

    def order_payload(self, shop: Shop, order: Order) -> dict[str, Any]:
        """The webhook body of an order, with its customer and catalogue filled in."""
        customer = self.store.customers.find(shop.id, order.customer_id) if order.customer_id else None
        return payloads.order(shop, order, customer, self.store.products)

    # Changing

    def update_order(
        self, shop: Shop, order: Order, *, financial: str | None = None, fulfillment: str | None = None,
        refunded_minor: int | None = None, cancelled: bool = False,
    ) -> Order:  # fmt: skip
        """Refund, fulfil or cancel; `orders/updated` tells, `orders/cancelled` too where it fits."""
        self.store.orders.set_status(
            order.id, financial=financial, fulfillment=fulfillment, refunded_minor=refunded_minor,
            cancelled_at=now_text() if cancelled else None,
        )  # fmt: skip
        updated = self.store.orders.get(shop.id, order.id)
        event_id = str(uuid.uuid4())
        body = self.order_payload(shop, updated)
        self.webhooks.send("orders/updated", shop, body, event_id=event_id)
        if cancelled:
            self.webhooks.send("orders/cancelled", shop, body, event_id=event_id)
        return updated

    def create_customer(
        self,
        shop: Shop,
        email: str,
        *,
        first_name: str | None,
        last_name: str | None,
        phone: str | None,
        country_code: str | None,
        tags: list[str],
        consent: dict[str, Any] | None,
    ) -> Customer:
        """A customer whom somebody made by hand or an app made."""
        created = self.store.customers.create(
            shop.id, email, first_name=first_name, last_name=last_name, country_code=country_code,
            tags=",".join(sorted(tags)),
        )  # fmt: skip
        if phone:
            created = self.store.customers.update(shop.id, created.id, phone=phone) or created
        event_id = str(uuid.uuid4())
        self.webhooks.send("customers/create", shop, payloads.customer(shop, created), event_id=event_id)
        if tags:
            body = payloads.tags_changed(created, sorted(tags))
            self.webhooks.send("customer.tags_added", shop, body, event_id=event_id)
        if consent:
            at = consent.get("consentUpdatedAt")
            level = consent.get("marketingOptInLevel")
            changed = self.change_consent(
                shop, created.id, consent["marketingState"], opt_in_level=level, at=at
            )
            created = changed or created
        return created

    def change_consent(
        self,
        shop: Shop,
        customer_id: int,
        state: str,
        *,
        opt_in_level: str | None = None,
        at: str | None = None,
    ) -> Customer | None:
        """E-mail marketing consent, by whoever changed it; None when there is no such customer."""
        customer = self.store.customers.set_email_consent(
            shop.id, customer_id, state, opt_in_level=opt_in_level, at=at
        )
        if customer is not None:
            event_id = str(uuid.uuid4())
            self._send_consent(shop, customer, event_id)
            self.webhooks.send("customers/update", shop, payloads.customer(shop, customer), event_id=event_id)
        return customer

    def change_sms_consent(
        self, shop: Shop, customer_id: int, state: str, *, at: str | None = None
    ) -> Customer | None:
        """Consent to text messages, by whoever changed it."""
        customer = self.store.customers.set_sms_consent(shop.id, customer_id, state, at=at)
        if customer is not None:
            event_id = str(uuid.uuid4())
            topic = "customers_marketing_consent/update"
            self.webhooks.send(topic, shop, payloads.sms_consent(customer), event_id=event_id)
            self.webhooks.send("customers/update", shop, payloads.customer(shop, customer), event_id=event_id)
        return customer

    def change_tags(
        self, shop: Shop, customer_id: int, *, add: list[str] | None = None, remove: list[str] | None = None
    ) -> Customer | None:
        """Profiles no longer carry tags: what was added and removed has topics of its own."""
        before = self.store.customers.find(shop.id, customer_id)
        after = self.store.customers.change_tags(shop.id, customer_id, add=add or (), remove=remove or ())
        if before is None or after is None:
            return None
        held, holds = set(tag_list(before.tags)), set(tag_list(after.tags))
        event_id = str(uuid.uuid4())
        for topic, tags in (("customer.tags_added", holds - held), ("customer.tags_removed", held - holds)):
            if tags:
                body = payloads.tags_changed(after, sorted(tags))
                self.webhooks.send(topic, shop, body, event_id=event_id)
        self.webhooks.send("customers/update", shop, payloads.customer(shop, after), event_id=event_id)
        return after

    def delete_customer(self, shop: Shop, customer_id: int) -> None:
        """Only the customer goes; their orders stay without them."""
        self.store.customers.delete(shop.id, customer_id)
        self.webhooks.send("customers/delete", shop, payloads.deleted("Customer", customer_id))

    def update_customer(self, shop: Shop, customer_id: int, **changes: str) -> Customer | None:
        customer = self.store.customers.update(shop.id, customer_id, **changes)
        if customer is not None:
            self.webhooks.send("customers/update", shop, payloads.customer(shop, customer))
        return customer

    def update_product(
        self, shop: Shop, product_id: int, *, title: str | None = None, status: str | None = None,
        price_minor: int | None = None,
    ) -> None:  # fmt: skip
        product = self.store.products.update(
            shop.id, product_id, title=title, status=status, price_minor=price_minor
        )
        if product is not None:
            self.webhooks.send("products/update", shop, payloads.product(product, self.store.products))

    def _send_consent(self, shop: Shop, customer: Customer, event_id: str) -> None:
        self.webhooks.send(
            "customers_email_marketing_consent/update",
            shop,
            payloads.email_consent(customer),
            event_id=event_id,
        )


def _discounted(lines: list[Line], percent: float) -> list[Line]:
    if percent <= 0:
        return lines
    return [
        line._replace(discount_minor=round(line.quantity * line.unit_price_minor * percent)) for line in lines
    ]
