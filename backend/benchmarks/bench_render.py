"""What one message costs before it leaves, part by part, beside plain Jinja2 and `email.message`.

`make bench-render` (N=20000 messages a part). In this process, in microseconds of processor time; each part runs in
turns with the others, and its fastest round counts, since nothing makes a round too fast.
"""

import os
import resource
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP

from jinja2 import Environment

from benchmarks.bench_send import FLOW, PLAIN, SENDER, html
from benchmarks.report import Mark, finish
from storecast.kit.clock import utcnow
from storecast.messaging import headers, quoted_printable, text_part
from storecast.messaging.compose import Content, Origin, Variant, date_line
from storecast.messaging.context import Recipient, ShopFacts
from storecast.messaging.dkim import DkimKey, DkimSigner, new_key
from storecast.messaging.render_plan import TOKEN, RenderPlan
from storecast.messaging.sandbox import HTML
from storecast.messaging.tokens import Tokens

N = int(os.environ.get("N", "20000"))
ROUNDS = 5
SUBJECT = "Hello {{ customer.first_name|default('you') }}"
EDGE = "https://edge.example"

Work = Callable[[int], object]


def people() -> list[Recipient]:
    """As those of the campaigns that are measured."""
    return [
        Recipient(
            n,
            n,
            f"customer{n}@example.com",
            f"Name{n}" if n % 5 else None,
            None,
            "Bern",
            None,
            True,
            n % 7,
            0,
            None,
        )
        for n in range(1, 1001)
    ]


def variant(personal: str) -> Variant:
    """A compiled message."""
    origin = Origin(1, ShopFacts("Bench", "bench.myshopify.com", None, "USD"), 1, "cmp_bench", "Bench")
    content = Content(SUBJECT, "", html(personal), "Bench", f"news@{SENDER}", "")
    return Variant(content, origin, edge_url=EDGE, tokens=Tokens(b"bench"))


def html_plan(personal: str) -> Work:
    """The HTML part alone, its context ready."""
    plan = RenderPlan(html(personal), HTML, {}, around_token={"unsubscribe_url": (f"{EDGE}/u/", "")})
    contexts = [
        {"customer": {"first_name": f"Name{n}", "orders_count": n % 7, "city": "Bern"}, TOKEN: "token"}
        for n in range(1000)
    ]
    return lambda n: plan.quoted_printable(contexts[n % 1000])


def plainly(personal: str) -> Work:
    """Jinja2 without a sandbox and the standard library's message."""
    env = Environment(autoescape=True)
    whole = env.from_string(html(personal))
    text = Environment().from_string(text_part.from_html(html(personal)))  # noqa: S701  # a text part
    subject = Environment().from_string(SUBJECT)  # noqa: S701  # a header
    everybody = people()

    def make(n: int) -> bytes:
        person = everybody[n % len(everybody)]
        customer = {"orders_count": person.orders_count, "city": person.city}
        if person.first_name:
            customer["first_name"] = person.first_name
        context = {"customer": customer, "unsubscribe_url": f"{EDGE}/u/{n}"}
        message = EmailMessage(policy=SMTP)
        message["From"] = f"Bench <news@{SENDER}>"
        message["To"] = person.email
        message["Subject"] = subject.render(context)
        message["Message-ID"] = f"<{n}@{SENDER}>"
        message.set_content(text.render(context), cte="quoted-printable")
        message.add_alternative(whole.render(context), subtype="html", cte="quoted-printable")
        return message.as_bytes()

    return make


def parts() -> dict[str, Work]:
    """What is measured, by name."""
    plain, flow = variant(PLAIN), variant(FLOW)
    everybody, date, tokens = people(), date_line(utcnow()), Tokens(b"bench")
    data = plain.prepare(everybody[0], date=date).data
    rsa = DkimSigner([DkimKey(SENDER, "rsa", new_key("rsa"))])
    ed25519 = DkimSigner([DkimKey(SENDER, "ed25519", new_key("ed25519"))])

    def person(n: int) -> Recipient:
        return everybody[n % len(everybody)]

    return {
        "message_plain_outputs": lambda n: plain.prepare(person(n), date=date),
        "message_control_flow": lambda n: flow.prepare(person(n), date=date),
        "html_plan_plain_outputs": html_plan(PLAIN),
        "html_plan_control_flow": html_plan(FLOW),
        "headers": lambda n: (
            headers.find_address(person(n).email),
            headers.unstructured("Subject", f"Hello {person(n).first_name}"),
        ),
        "quoted_printable_of_a_value": lambda n: quoted_printable.encode_value("Zoë O’Neill"),
        "token": lambda n: tokens.mint(1, 1, n),
        "dkim_rsa": lambda n: rsa.sign(data, at=1),
        "dkim_ed25519": lambda n: ed25519.sign(data, at=1),
        "jinja2_and_email_message": plainly(PLAIN),
        "jinja2_and_email_message_control_flow": plainly(FLOW),
    }


SLOW = {"dkim_rsa", "dkim_ed25519", "jinja2_and_email_message", "jinja2_and_email_message_control_flow"}


def cost_us(work: Work, count: int) -> float:
    """Processor time of one."""
    started = time.process_time()
    for n in range(count):
        work(n)
    return (time.process_time() - started) / count * 1e6


def in_turns(measured: dict[str, Work]) -> Iterator[tuple[str, float]]:
    """The fastest round of each."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _round in range(ROUNDS):
        for name, work in measured.items():
            found[name].append(cost_us(work, max(N // (20 if name in SLOW else 1) // ROUNDS, 10)))
    return ((name, min(costs)) for name, costs in found.items())


def main() -> None:
    """Measure and report."""
    costs = dict(in_turns(parts()))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    finish(
        "render",
        value=costs["message_plain_outputs"],
        unit="µs of processor time for one message, rendered and encoded",
        reference="Jinja2 and email.message with the same parts, µs",
        reference_value=costs["jinja2_and_email_message"],
        peak_mib=peak_mib,
        marks=[Mark(f"{name}_us", cost, sense="<=") for name, cost in costs.items()],
    )


if __name__ == "__main__":
    main()
