// The visitor's choices, kept in a cookie of this shop and told to the pixel at once.
export function watchConsent(page, host) {
  const bar = document.getElementById("consent");
  const boxes = [...bar.querySelectorAll("input")];

  function choose(choices) {
    const consent = { ...page.consent, ...choices };
    const value = encodeURIComponent(JSON.stringify(consent));
    document.cookie = `_tracking_consent=${value}; path=${page.base}; max-age=31536000; SameSite=Lax`;
    bar.hidden = true;
    void host.setConsent(consent);
  }

  document.getElementById("open-consent").addEventListener("click", () => {
    bar.hidden = false;
  });
  document.getElementById("accept-consent").addEventListener("click", () => {
    choose(Object.fromEntries(boxes.map((box) => [box.name, box.checked])));
  });
  document.getElementById("decline-consent").addEventListener("click", () => {
    for (const box of boxes) box.checked = false;
    choose({ analytics: false, marketing: false, preferences: false, sale_of_data: false });
  });
}
