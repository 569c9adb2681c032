// One frame, one origin: messages from anywhere else are not heard, and nothing is told to anyone else.
const CHANNEL = "simulated-admin";

export function openChannel(frame, origin, handlers) {
  const tell = (type, payload = {}) => frame.contentWindow.postMessage({ channel: CHANNEL, type, ...payload }, origin);

  window.addEventListener("message", async (event) => {
    const message = event.data;
    if (event.source !== frame.contentWindow || event.origin !== origin || message?.channel !== CHANNEL) return;
    const handler = Object.hasOwn(handlers, message.type) ? handlers[message.type] : null;
    if (message.id === undefined) {
      handler?.(message);
      return;
    }
    try {
      if (!handler) throw new Error(`the simulated admin does not know ${message.type}`);
      tell("reply", { id: message.id, value: await handler(message) });
    } catch (error) {
      tell("reply", { id: message.id, error: String(error.message ?? error) });
    }
  });
  return { tell };
}
