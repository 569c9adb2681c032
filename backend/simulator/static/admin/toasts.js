const shelf = document.getElementById("toasts");
const shown = new Map();

export function showToast({ toastId, message, duration, isError, action }, tell) {
  const toast = document.createElement("div");
  toast.className = isError ? "toast error" : "toast";
  toast.setAttribute("role", isError ? "alert" : "status");
  const text = document.createElement("span");
  text.textContent = message;
  toast.append(text);
  if (action) toast.append(button(action, "toast-action", () => tell("toast.action")));
  toast.append(button("Dismiss", "toast-close", () => hideToast(toastId)));
  shelf.append(toast);
  shown.set(toastId, { toast, tell, timer: setTimeout(() => hideToast(toastId), duration) });
}

export function hideToast(toastId) {
  const entry = shown.get(toastId);
  if (!entry) return;
  shown.delete(toastId);
  clearTimeout(entry.timer);
  entry.toast.remove();
  entry.tell?.("toast.gone");
}

function button(label, className, onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  if (className === "toast-close") {
    element.setAttribute("aria-label", label);
    element.textContent = "×";
  } else {
    element.textContent = label;
  }
  element.addEventListener("click", onClick);
  return element;
}
