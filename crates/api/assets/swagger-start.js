// Shows the document of this very server, and asks nobody else.
'use strict';

SwaggerUIBundle({
  url: '/api/openapi.json?format=json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  validatorUrl: null,
});
