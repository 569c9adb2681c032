/** The visual editor's canvas: GrapesJS with MJML's elements. Only this file loads the library. */
import grapesjs, { type Editor, type EditorConfig } from "grapesjs";
import german from "grapesjs/locale/de.mjs";
import mjmlModule from "grapesjs-mjml";
import mjmlGerman from "grapesjs-mjml/locale/de";
import "grapesjs/dist/css/grapes.min.css";
import parse from "mjml-browser";
import { closed, type Opened, pictured } from "./source";

/** The plugin is CommonJS with a default export: bundlers differ in whether the import is it or its module. */
const mjml: typeof mjmlModule =
  "default" in mjmlModule ? (mjmlModule as { default: typeof mjmlModule }).default : mjmlModule;

const unwrapped = (module: Record<string, unknown> & { default?: Record<string, unknown> }) =>
  module.default ?? module;

const ELEMENTS = [
  "mj-body",
  "mj-wrapper",
  "mj-section",
  "mj-group",
  "mj-column",
  "mj-text",
  "mj-button",
  "mj-image",
  "mj-divider",
  "mj-spacer",
  "mj-hero",
  "mj-social",
  "mj-social-element",
  "mj-navbar",
  "mj-navbar-link",
  "mj-raw",
];
const BLOCKS = [
  "mj-1-column",
  "mj-2-columns",
  "mj-3-columns",
  "mj-text",
  "mj-button",
  "mj-image",
  "mj-divider",
  "mj-spacer",
];

/** Words on the buttons that open the side's parts; the library's own are icons of a font from elsewhere. */
export interface CanvasWords {
  /** Of the library's other words. */
  locale: string;
  blocks: string;
  style: string;
  layers: string;
}

export interface Canvas {
  destroy: () => void;
}

/** Shows `source`; `changed` gets the whole MJML after each edit. `values` are what tags such as `brand.accent` are now. */
export function createCanvas(
  container: HTMLElement,
  source: Opened,
  values: ReadonlyMap<string, string>,
  words: CanvasWords,
  changed: (mjml: string) => void,
): Canvas {
  const editor = grapesjs.init({ container, height: "100%", ...configuration(source, values, words.locale) });
  editor.onReady(() => {
    editor.setComponents(source.document);
    nameParts(editor, words);
    editor.UndoManager.clear();
    editor.clearDirtyCount();
    editor.on("update", () => changed(closed(source, editor.getHtml())));
  });
  return { destroy: () => editor.destroy() };
}

/** How the library reads and writes a message, with or without a page to show it on. */
export function configuration(
  source: Opened,
  values: ReadonlyMap<string, string>,
  locale: string,
): EditorConfig {
  const head = pictured(source.head, values);
  return {
    storageManager: false,
    // Neither figures about its use nor icon fonts may be fetched from elsewhere; the content policy refuses both.
    telemetry: false,
    cssIcons: "",
    // A picture that is dropped would go into the source as text, which no mail program shows: they are linked.
    assetManager: { upload: false, embedAsBase64: false, dropzone: false },
    i18n: { locale, detectLocale: false, localeFallback: "en", messagesAdd: { de: german } },
    plugins: [
      (instance: Editor) =>
        mjml(instance, {
          blocks: BLOCKS,
          useCustomTheme: false,
          i18n: { de: unwrapped(mjmlGerman) },
          // Each element is compiled by itself; with the head it looks as it will in the message.
          mjmlParser: ((text: string, options: object) =>
            parse(pictured(text.replace("<mjml>", `<mjml>${head}`), values), options)) as never,
        }),
      keepAttributes,
    ],
  };
}

function nameParts({ Panels }: Editor, words: CanvasWords): void {
  const parts = { "open-sm": words.style, "open-layers": words.layers, "open-blocks": words.blocks };
  for (const [id, label] of Object.entries(parts)) {
    Panels.getButton("views", id)?.set({ className: "", label, attributes: { title: label } });
  }
  Panels.getButton("views", "open-blocks")?.set("active", true);
  // Shows outlines; they are shown from the start.
  Panels.removeButton("options", "sw-visibility");
}

/**
 * The plugin leaves out attributes that equal its own defaults, although the message's head may have others; without
 * defaults every attribute comes back as it was. Raw parts hold the template's conditions and loops and stay put.
 */
function keepAttributes(editor: Editor): void {
  for (const name of ELEMENTS) {
    const fixed =
      name === "mj-raw" ? { draggable: false, removable: false, copyable: false, editable: false } : {};
    editor.Components.addType(name, { model: { defaults: { "style-default": {}, ...fixed } } });
  }
}
