// ReDoc over our own document, in the system's fonts.
const root = document.getElementById("redoc");
const fontFamily = "system-ui, sans-serif";
Redoc.init(
  root.dataset.document,
  { theme: { typography: { fontFamily, headings: { fontFamily } } }, hideDownloadButton: false },
  root,
);
