/** The simulated admin, seen through a browser: the app in its frame, its menu and its save bar. */
import type { Frame, Page } from "playwright-core";
import { settle } from "./pages";

export class Admin {
  readonly page: Page;
  readonly address: string;
  readonly shop: string;

  constructor(page: Page, address: string, shop: string) {
    this.page = page;
    this.address = address.replace(/\/$/, "");
    this.shop = shop;
  }

  url(path = ""): string {
    return `${this.address}/store/${this.shop}${path}`;
  }

  async install(): Promise<void> {
    await this.page.goto(this.url("/install"));
    await this.page.click("#install");
    await this.page.waitForSelector("#app-frame");
  }

  /** The app's frame; asked for each time, because a reload replaces its document. */
  async app(): Promise<Frame> {
    const handle = await this.page.waitForSelector("#app-frame");
    const frame = await handle.contentFrame();
    if (!frame) throw new Error("the app's frame has no document");
    return frame;
  }

  /** Goes to a section by the admin's own menu. */
  async open(section: string): Promise<Frame> {
    await this.page.locator("#app-menu a", { hasText: section }).first().click();
    const app = await this.app();
    await app.getByRole("heading", { level: 1, name: section }).waitFor();
    await settle(app);
    return app;
  }

  /** Goes straight to an address of the app, as a link from a message does. */
  async openAt(path: string): Promise<Frame> {
    await this.page.goto(this.url(`/apps/storecast${path}`));
    const app = await this.app();
    await app.getByRole("heading", { level: 1 }).first().waitFor();
    await settle(app);
    return app;
  }

  /** Plays another member of the store's staff from now on. */
  async playAs(user: string): Promise<void> {
    await this.page.context().addCookies([{ name: "sim_user", value: user, url: this.address }]);
  }

  async openHome(): Promise<Frame> {
    await this.page.click("#app-home");
    const app = await this.app();
    await app.getByRole("heading", { level: 1, name: "Home" }).waitFor();
    await settle(app);
    return app;
  }

  /** Saves with the admin's contextual save bar. */
  async save(): Promise<void> {
    const bar = this.page.locator("#save-bar");
    await bar.waitFor({ state: "visible" });
    await bar.getByRole("button", { name: "Save" }).click();
    await bar.waitFor({ state: "hidden" });
  }
}
