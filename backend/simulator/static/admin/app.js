// The app page: an iframe, and everything App Bridge may ask the admin for.
import { openChannel } from "./channel.js";
import { choose } from "./dialog.js";
import { followAddress } from "./address.js";
import { showMenu } from "./menu.js";
import { hideSaveBar, isSaveBarOpen, showSaveBar } from "./save-bar.js";
import { hideToast, showToast } from "./toasts.js";

const page = JSON.parse(document.getElementById("app-page").textContent);
const frame = document.getElementById("app-frame");
const loading = document.getElementById("loading");
const slow = document.getElementById("slow");
const SLOW_AFTER_MS = 8000;

const channel = openChannel(frame, page.appOrigin, {
  ready() {
    loading.hidden = true;
    slow.hidden = true;
    clearTimeout(slowTimer);
    hideSaveBar();
  },
  location: (message) => followAddress(page, message),
  loading({ isLoading }) {
    loading.hidden = !isLoading;
  },
  "nav.set": ({ items }) => showMenu(page, items, navigate),
  "toast.show": (toast) => showToast(toast, (type) => channel.tell(type, { toastId: toast.toastId })),
  "toast.hide": ({ toastId }) => hideToast(toastId),
  "saveBar.show": (bar) => showSaveBar(bar, (action) => channel.tell("saveBar.action", { action })),
  "saveBar.hide": hideSaveBar,
  "saveBar.leave": async () => (isSaveBarOpen() && !(await mayLeave()) ? Promise.reject(new Error("stay")) : null),
  open({ href }) {
    const match = /^shopify:\/{0,2}admin\/?(.*)$/.exec(href);
    if (match) location.assign(`${page.storePath}/${match[1]}`);
  },
  idToken: async () => (await readJson(page.idTokenPath)).token,
  user: () => readJson(page.userPath),
  "scopes.query": () => readJson(page.scopesPath),
  "scopes.request": ({ scopes }) => requestScopes(scopes),
  "scopes.revoke": async ({ scopes }) => ({ detail: await changeScopes({ revoke: scopes }) }),
});

// Only now, with someone listening: a quick app would ask for its token before this script had run.
frame.src = frame.dataset.address;

const slowTimer = setTimeout(() => {
  slow.hidden = false;
}, SLOW_AFTER_MS);
document.getElementById("try-again").addEventListener("click", () => location.reload());
frame.addEventListener("load", () => {
  loading.hidden = true;
});

async function navigate(path) {
  if (isSaveBarOpen() && !(await mayLeave())) return;
  hideSaveBar();
  channel.tell("navigate", { path });
}

function mayLeave() {
  return choose({
    title: "Leave page with unsaved changes?",
    text: "Leaving this page will delete all unsaved changes.",
    yes: "Leave page",
    no: "Stay",
    isCritical: true,
  });
}

async function requestScopes(scopes) {
  const isGranted = await choose({
    title: `${page.appName} asks for more access`,
    text: scopes.join(", "),
    yes: "Allow",
    no: "Decline",
  });
  const detail = isGranted ? await changeScopes({ grant: scopes }) : await readJson(page.scopesPath);
  return { result: isGranted ? "granted-all" : "declined-all", detail };
}

function changeScopes(body) {
  return readJson(page.scopesPath, { method: "POST", body: JSON.stringify(body) });
}

async function readJson(path, init) {
  const response = await fetch(path, { ...init, headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`the simulated admin answered ${response.status} to ${path}`);
  return response.json();
}

// Links of the shell itself must not lose what is being edited in the frame.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[href]:not([target])");
  if (!link || event.defaultPrevented || !isSaveBarOpen()) return;
  event.preventDefault();
  if (await mayLeave()) {
    hideSaveBar();
    location.assign(link.href);
  }
});
window.addEventListener("beforeunload", (event) => isSaveBarOpen() && event.preventDefault());
