import { DOCUMENTATION_PATHS, MESSAGES } from '@tidewire/contract';
import type { OpenApiDocument } from '@tidewire/contract';
import { html, phrase, prose } from './markup.ts';
import type { Markup } from './markup.ts';
import { EXAMPLE_ORIGIN, operationView, shownOperations } from './operation-view.ts';
import type { ShownOperation } from './operation-view.ts';
import { schemaAnchor, schemaView } from './schema-view.ts';
import type { NamedSchemas } from './schema-view.ts';

/** The documentation as one page that needs nothing but its style sheet, and its script only for comfort. */
export function renderDocumentation(document: OpenApiDocument): string {
  const operations = shownOperations(document);
  const chapters = document.tags.map(({ name, description }) => ({
    name,
    title: description.split(': ', 1)[0] ?? name,
    about: description.slice(description.indexOf(': ') + 2),
    operations: operations.filter(({ tag }) => tag === name),
  }));
  return html`<!doctype html>
    <html lang="en" data-example-origin="${EXAMPLE_ORIGIN}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Tidewire: HTTP API</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/palette.css" />
        <link rel="stylesheet" href="/docs.css" />
        <script type="module" src="/docs.js"></script>
      </head>
      <body>
        <nav aria-label="Operations">
          <a class="home" href="/"><img src="/icon.svg" alt="" width="28" height="28" />Tidewire</a>
          <input type="search" placeholder="Find a request" aria-label="Find a request" data-find hidden />
          ${chapters.map((chapter) => chapterLinks(chapter.title, chapter.operations))}
          <h2><a href="#schemas">Schemas</a></h2>
        </nav>
        <main>
          ${introduction(document)}
          ${chapters.map(
            (chapter) =>
              html`<section class="chapter" id="${chapter.name}">
                <h2>${chapter.title}</h2>
                <p>${phrase(capitalised(chapter.about))}</p>
                ${chapter.operations.map((operation) => operationView(operation, document))}
              </section>`,
          )}
          ${schemas(document)}
        </main>
      </body>
    </html>`.html;
}

function introduction({ info }: OpenApiDocument): Markup {
  const messages = Object.entries(MESSAGES).filter(([, { audience }]) => audience === 'public');
  return html`<header>
    <h1>Tidewire HTTP API</h1>
    ${prose(String(info['description']).replaceAll(/([^\n])\n(?!\n)/g, '$1 '))}
    <p>
      For programs: <a href="${DOCUMENTATION_PATHS.document}">openapi.json</a> (OpenAPI 3.1);
      <a href="${DOCUMENTATION_PATHS.streams}">asyncapi.json</a> (AsyncAPI 3.0) for what streams, over NATS
      too; and the JSON Schemas of what is sent to clients:
      ${messages.map(
        ([name], index) =>
          html`${index === 0 ? '' : ', '}<a href="${DOCUMENTATION_PATHS.schema.replace('{name}', name)}"
              >${name}</a
            >`,
      )}.
    </p>
  </header>`;
}

function chapterLinks(title: string, operations: readonly ShownOperation[]): Markup {
  return html`<h2>${title}</h2>
    <ul>
      ${operations.map(
        ({ id, method, summary, path }) =>
          html`<li data-words="${`${method} ${path} ${summary} ${id}`.toLowerCase()}">
            <a href="#${id}"><span class="method ${method.toLowerCase()}">${method}</span> ${summary}</a>
          </li>`,
      )}
    </ul>`;
}

function schemas({ components }: OpenApiDocument): Markup {
  return html`<section class="chapter" id="schemas">
    <h2>Schemas</h2>
    ${Object.entries(components.schemas as NamedSchemas).map(
      ([name, schema]) =>
        html`<section class="named" id="${schemaAnchor(name)}">
          <h3><a href="#${schemaAnchor(name)}">${name}</a></h3>
          ${schema.description === undefined ? undefined : prose(schema.description)} ${schemaView(schema)}
        </section>`,
    )}
  </section>`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
