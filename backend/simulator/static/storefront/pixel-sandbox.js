// Inside a frame without an origin: starts the worker and hands it the page's end of the channel.
addEventListener("message", ({ data, ports }) => {
  const source = new Blob([`${data.runtime}\n${data.bundle}`], { type: "text/javascript" });
  new Worker(URL.createObjectURL(source), { name: "web-pixel" }).postMessage(null, ports);
}, { once: true });
