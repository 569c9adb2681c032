import { choose } from "./dialog.js";

const bar = document.getElementById("save-bar");
const [discard, save] = bar.querySelectorAll("button");
let answer = null;
let needsConfirmation = false;

export function isSaveBarOpen() {
  return !bar.hidden;
}

export function showSaveBar(look, onAction) {
  answer = onAction;
  needsConfirmation = look.discardConfirmation;
  dress(save, look.save, "Save");
  dress(discard, look.discard, "Discard");
  bar.hidden = false;
  document.body.classList.add("has-save-bar");
}

export function hideSaveBar() {
  bar.hidden = true;
  document.body.classList.remove("has-save-bar");
}

function dress(button, { label = "", disabled = false, loading = false }, usual) {
  button.textContent = label || usual;
  button.disabled = disabled || loading;
  button.setAttribute("aria-busy", String(loading));
}

save.addEventListener("click", () => answer?.("save"));
discard.addEventListener("click", async () => {
  const mayDiscard =
    !needsConfirmation ||
    (await choose({
      title: "Discard all unsaved changes?",
      text: "If you discard changes, you’ll delete any edits you made since you last saved.",
      yes: "Discard changes",
      no: "Continue editing",
      isCritical: true,
    }));
  if (mayDiscard) answer?.("discard");
});
