// Swagger UI over our own document; changes carry the header that the session's CSRF check asks for.
const root = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: root.dataset.document,
  domNode: root,
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  defaultModelsExpandDepth: -1,
  requestInterceptor: (request) => {
    request.headers["X-Storecast-CSRF"] = "1";
    return request;
  },
});
