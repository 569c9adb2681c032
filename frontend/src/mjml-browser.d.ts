/** The library brings no types of its own: MJML to HTML in the browser. */
declare module "mjml-browser" {
  export default function mjml2html(source: string, options?: object): { html: string; errors: unknown[] };
}
