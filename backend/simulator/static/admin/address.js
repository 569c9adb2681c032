// The address bar shows where the app is, so that a reload, a bookmark or a shared link opens the same page.
import { markCurrent } from "./menu.js";

export function followAddress(page, { path, title }) {
  const shown = page.appPath + (path === "/" ? "" : path);
  if (location.pathname + location.search + location.hash !== shown) history.replaceState(null, "", shown);
  if (title) document.title = `${title} · ${page.shopName}`;
  markCurrent(path);
}
