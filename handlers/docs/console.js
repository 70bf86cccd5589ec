// Starts the console, Swagger UI, on the page of documents. Nothing is asked of
// any other host, and no token is kept beyond the page.
SwaggerUIBundle({
  url: "/openapi.yaml",
  domNode: document.getElementById("console"),
  docExpansion: "none",
  defaultModelsExpandDepth: -1, // the documents below show them
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
  onComplete: () => {
    // The page has grown since the browser went to what the address names.
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  },
});
