// The checkout reports its steps; the last ones before the page leaves, so the form waits for the pixel to see them.
export function watchCheckout(publisher) {
  const form = document.getElementById("checkout-form");
  if (!form) return;
  const { checkout } = JSON.parse(document.getElementById("checkout-data").textContent);
  let reportedEmail = "";

  const current = () => ({
    ...checkout,
    email: form.elements.email.value.trim() || null,
    buyerAcceptsEmailMarketing: form.elements.accepts_marketing.checked,
  });

  function reportContact() {
    const email = form.elements.email.value.trim();
    if (!email || !form.elements.email.validity.valid || email === reportedEmail) return Promise.resolve();
    reportedEmail = email;
    return publisher.publish("checkout_contact_info_submitted", { checkout: current() });
  }

  form.elements.email.addEventListener("change", reportContact);
  form.elements.email.addEventListener("input", ({ target }) => {
    target.removeAttribute("aria-invalid");
    document.getElementById("email-error")?.remove();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    document.getElementById("pay").disabled = true;
    await reportContact();
    if (reportedEmail) await publisher.publish("payment_info_submitted", { checkout: current() });
    form.submit();
  });
}
