/// <reference types="@shopify/app-bridge-types" />

/**
 * The App Bridge global, which exists only inside the admin's iframe.
 * Everything that differs between the two doors asks here; nobody else reads `window.shopify`.
 */
type AppBridge = Pick<typeof shopify, "idToken" | "toast" | "saveBar" | "loading" | "scopes">;

function findBridge(): AppBridge | null {
  const bridge = (globalThis as { shopify?: Partial<AppBridge> }).shopify;
  return typeof bridge?.idToken === "function" ? (bridge as AppBridge) : null;
}

export function isEmbedded(): boolean {
  return findBridge() !== null;
}

/** Inside somebody's frame, where Shopify refuses to show its own sign-in. */
export function isFramed(): boolean {
  return window.self !== window.top;
}

/** A fresh ID token for one request (they live 60 s, so none is kept), or null outside the iframe. */
export async function fetchIdToken(): Promise<string | null> {
  const bridge = findBridge();
  return bridge ? bridge.idToken() : null;
}

export function showAdminToast(message: string, isError: boolean): boolean {
  const bridge = findBridge();
  bridge?.toast?.show(message, { isError });
  return bridge !== null;
}

export function setAdminSaveBar(id: string, visible: boolean): void {
  const bar = findBridge()?.saveBar;
  void (visible ? bar?.show(id) : bar?.hide(id));
}

/** Asks the person whether to leave unsaved work; resolves when they may leave. */
export async function confirmLeavingInAdmin(): Promise<void> {
  await findBridge()?.saveBar?.leaveConfirmation();
}

/** Shopify's own dialogue for optional permissions; whether the merchant granted all of them. Inside the admin only. */
export async function requestScopes(scopes: readonly string[]): Promise<boolean> {
  const bridge = findBridge();
  if (!bridge?.scopes) return false;
  const answer = await bridge.scopes.request([...scopes] as Parameters<typeof shopify.scopes.request>[0]);
  return answer.result === "granted-all";
}
