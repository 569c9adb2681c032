// Forms of the cart answered in place, so that the page lives on to report the event. Without script they still work.
export function watchCart(publisher) {
  for (const form of document.querySelectorAll("form[data-cart]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        await send(form, publisher);
      } finally {
        button.disabled = false;
      }
    });
  }
}

async function send(form, publisher) {
  const response = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    headers: { Accept: "application/json" },
  });
  if (!response.ok) {
    note("That did not work. Please try again.");
    return;
  }
  const answer = await response.json();
  const reported = answer.event ? publisher.publish(answer.event.name, answer.event.data) : Promise.resolve();
  showCount(answer.cart?.totalQuantity ?? 0);
  if (form.dataset.cart === "reload") {
    await reported;
    location.reload();
    return;
  }
  note(`${answer.title} is in your cart`);
}

function showCount(quantity) {
  const count = document.getElementById("cart-count");
  count.textContent = quantity;
  count.hidden = quantity === 0;
}

let timer = 0;

function note(text) {
  const element = document.getElementById("note");
  element.textContent = text;
  element.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => {
    element.hidden = true;
  }, 3500);
}
