// Shopify's own library behind node:http: validates each delivery, remembers its id in memory, makes nothing durable.
// PORT and SECRET come from the environment; prints "listening" once it does.
import { createServer } from "node:http";
import "@shopify/shopify-api/adapters/node";
import { ApiVersion, LogSeverity, shopifyApi } from "@shopify/shopify-api";

const shopify = shopifyApi({
  apiKey: "bench",
  apiSecretKey: process.env.SECRET,
  apiVersion: Object.values(ApiVersion).filter((version) => version.startsWith("20")).sort().at(-1),
  hostName: "bench",
  isEmbeddedApp: true,
  scopes: [],
  logger: { level: LogSeverity.Error },
});
const seen = new Set();

async function receive(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const rawBody = Buffer.concat(chunks).toString("utf8");
  const found = await shopify.webhooks.validate({ rawBody, rawRequest: request, rawResponse: response });
  if (found.valid) seen.add(found.webhookId);
  response.writeHead(found.valid ? 200 : 401, { "Content-Length": 0 }).end();
}

const server = createServer((request, response) => {
  receive(request, response).catch(() => response.writeHead(500, { "Content-Length": 0 }).end());
});
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));
