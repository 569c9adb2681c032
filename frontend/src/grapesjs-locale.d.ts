/** Translations of the visual editor, which come without types. */
declare module "grapesjs/locale/de.mjs" {
  const messages: Record<string, unknown>;
  export default messages;
}

declare module "grapesjs-mjml/locale/de" {
  const messages: Record<string, unknown> & { default?: Record<string, unknown> };
  export default messages;
}
