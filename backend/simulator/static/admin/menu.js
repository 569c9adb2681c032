// The app's own menu below its name in the sidebar. Remembered for the tab, so that a reload does not jump.
const list = document.getElementById("app-menu");
let current = "/";

export function showMenu(page, items, navigate) {
  remember(page, items);
  render(page, items, navigate);
}

export function markCurrent(path) {
  current = path.split(/[?#]/)[0];
  mark();
}

function render(page, items, navigate) {
  list.replaceChildren(
    ...items.map(({ label, path }) => {
      const link = document.createElement("a");
      link.href = page.appPath + path;
      link.textContent = label;
      link.dataset.path = path;
      link.addEventListener("click", (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || !navigate) return;
        event.preventDefault();
        document.getElementById("menu-toggle").checked = false;
        void navigate(path);
      });
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
  mark();
}

function mark() {
  let best = null;
  for (const link of list.querySelectorAll("a")) {
    link.removeAttribute("aria-current");
    const path = link.dataset.path.split(/[?#]/)[0];
    const isWithin = current === path || (path !== "/" && current.startsWith(`${path}/`));
    if (isWithin && path.length > (best?.dataset.path.length ?? -1)) best = link;
  }
  best?.setAttribute("aria-current", "page");
  document.getElementById("app-home").toggleAttribute("data-inside", best !== null);
}

function remember(page, items) {
  sessionStorage.setItem(`app-menu:${page.appPath}`, JSON.stringify(items));
}

const holder = document.getElementById("app-page");
if (holder && list) {
  const page = JSON.parse(holder.textContent);
  render(page, JSON.parse(sessionStorage.getItem(`app-menu:${page.appPath}`) ?? "[]"), null);
}
