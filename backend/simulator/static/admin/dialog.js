// One question at a time; answers true for yes, false for no, Escape and the backdrop.
const dialog = document.getElementById("question");

export function choose({ title, text, yes, no, isCritical = false }) {
  const [heading, body, noButton, yesButton] = dialog.querySelectorAll("h2, p, button");
  heading.textContent = title;
  body.textContent = text;
  noButton.textContent = no;
  yesButton.textContent = yes;
  yesButton.classList.toggle("critical", isCritical);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
