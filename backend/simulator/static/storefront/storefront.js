// A page of the shop: publishes what happened, loads the pixel if the visitor allows it, keeps the cart lively.
import { watchCart } from "./cart.js";
import { watchCheckout } from "./checkout.js";
import { watchConsent } from "./consent.js";
import { createPublisher } from "./events.js";
import { createPixelHost } from "./pixel-host.js";

const page = JSON.parse(document.getElementById("storefront").textContent);
const host = createPixelHost(page);
const publisher = createPublisher(page, host);

watchConsent(page, host);
watchCart(publisher);
watchCheckout(publisher);
for (const event of page.events) publisher.publish(event.name, event.data, event.once);
