import type { OpenApiDocument } from '@tidewire/contract';
import { codeBlock, html, phrase, prose } from './markup.ts';
import type { Markup } from './markup.ts';
import { schemaView, typeOf } from './schema-view.ts';
import type { Schema } from './schema-view.ts';

/** An operation as the page shows it: where it stands in the document, and what stands there. */
export interface ShownOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly operation: OperationObject;
}

/** What OpenAPI calls an operation, as far as the page shows it. */
interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Carrier;
  readonly responses: Readonly<Record<string, Answer>>;
}

/** What has content: a body or an answer. */
interface Carrier {
  readonly content?: Readonly<Record<string, MediaType>>;
}

interface Answer extends Carrier {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: object;
}

interface MediaType {
  readonly 'schema': Schema;
  readonly 'example'?: unknown;
  readonly 'examples'?: Readonly<Record<string, { readonly value: { readonly title: string } }>>;
  readonly 'x-events'?: Readonly<Record<string, Schema>>;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description: string;
  readonly schema: Schema;
  readonly example?: unknown;
  readonly style?: string;
}

/** What commands are addressed to where the page has no script; otherwise that puts the page's own origin there. */
export const EXAMPLE_ORIGIN = 'http://localhost:8080';

/** Every operation of the document, in its order. */
export function shownOperations(document: OpenApiDocument): ShownOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, node]) => {
      const operation = node as unknown as OperationObject;
      const { operationId: id, summary, tags } = operation;
      return { id, method: method.toUpperCase(), path, summary, tag: tags[0] ?? '', operation };
    }),
  );
}

/** The section of one operation. */
export function operationView(shown: ShownOperation, document: OpenApiDocument): Markup {
  const { id, method, path, summary, operation } = shown;
  return html`<section class="operation" id="${id}">
    <h3><a href="#${id}">${summary}</a></h3>
    <p class="request">
      <span class="method ${method.toLowerCase()}">${method}</span> <code>${markedPath(path)}</code>
      <span class="need">${needOf(operation)}</span>
    </p>
    ${operation.description === undefined ? undefined : prose(operation.description)}
    <div class="columns">
      <div>
        ${parametersView(operation)} ${bodyView(operation, document)} ${answersView(operation, document)}
      </div>
      <div class="examples">
        <div class="command">
          <p class="caption">Command <button type="button" data-copy hidden>Copy</button></p>
          ${codeBlock(commandOf(shown))}
        </div>
        ${exampleView(operation)}
      </div>
    </div>
  </section>`;
}

function markedPath(path: string): Markup {
  return html`${path.split(/(\{[^}]+\})/).map((part) => (part.startsWith('{') ? html`<em>${part}</em>` : part))}`;
}

function needOf({ security }: OperationObject): string {
  if (security.length === 0) return 'no credential';
  const isOptional = security.some((entry) => Object.keys(entry).length === 0);
  return isOptional ? 'credential, except for what is public' : 'credential';
}

function parametersView({ parameters = [] }: OperationObject): Markup | undefined {
  if (parameters.length === 0) return undefined;
  return html`<h4>Parameters</h4>
    <table class="members">
      ${parameters.map(
        ({ name, in: place, required, description, schema }) =>
          html`<tr>
            <th scope="row"><code>${name}</code> <i>${place}${required ? '' : ', optional'}</i></th>
            <td>${phrase(description)} <span class="about">${typeOf(schema)}</span></td>
          </tr>`,
      )}
    </table>`;
}

function bodyView(operation: OperationObject, { components }: OpenApiDocument): Markup | undefined {
  const body = contentOf(operation.requestBody);
  if (body === undefined) return undefined;
  return html`<h4>Body <i>${body.mediaTypes.join(' or ')}</i></h4>
    ${schemaView(body.schema, components.schemas)}`;
}

function answersView({ responses }: OperationObject, document: OpenApiDocument): Markup {
  const answers = Object.entries(responses);
  const own = answers.filter(([, answer]) => answer.$ref === undefined);
  const errors = answers.flatMap(([status, answer]) => errorsOf(status, answer, document));
  return html`<h4>Answers</h4>
    ${own.map(([status, answer]) => answerView(status, answer, document))}
    ${
      errors.length === 0
        ? undefined
        : html`<details>
            <summary>Errors: ${codeList(errors)}</summary>
            <table class="members">
              ${errors.map(
                ([status, code, title]) =>
                  html`<tr>
                    <th scope="row">${status} <code>${code}</code></th>
                    <td>${title}</td>
                  </tr>`,
              )}
            </table>
          </details>`
    }`;
}

function answerView(status: string, answer: Answer, { components }: OpenApiDocument): Markup {
  const content = contentOf(answer);
  // Those that tell of this answer; what may come with any is not repeated.
  const headers = Object.keys(answer.headers ?? {}).filter((name) => components.headers[name]?.['required']);
  return html`<div class="answer">
    <p>
      <strong class="status">${status}</strong> ${phrase(answer.description)}
      ${
        headers.length === 0
          ? undefined
          : html`<span class="about">with ${headers.map((name) => html`<code>${name}</code> `)}</span>`
      }
    </p>
    ${content === undefined ? undefined : html`${streamView(content) ?? schemaView(content.schema, components.schemas)}`}
  </div>`;
}

function streamView({ 'x-events': events }: Content): Markup | undefined {
  if (events === undefined) return undefined;
  return html`<table class="members">
    ${Object.entries(events).map(
      ([name, data]) =>
        html`<tr>
          <th scope="row"><code>event: ${name}</code></th>
          <td>${typeOf(data)}</td>
        </tr>`,
    )}
  </table>`;
}

type ErrorRow = readonly [status: string, code: string, title: string];

function errorsOf(status: string, { $ref = '' }: Answer, { components }: OpenApiDocument): ErrorRow[] {
  const name = /^#\/components\/responses\/(.+)$/.exec($ref)?.[1] ?? '';
  const { examples = {} } = contentOf(components.responses[name]) ?? {};
  return Object.entries(examples).map(([code, { value }]) => [status, code, value.title]);
}

function codeList(errors: readonly ErrorRow[]): Markup {
  const statuses = [...new Set(errors.map(([status]) => status))];
  return html`${statuses.join(', ')}`;
}

interface Content extends MediaType {
  readonly mediaTypes: readonly string[];
}

/** All media types of one thing are described alike here: the first stands for them. */
function contentOf(carrier: Carrier | undefined): Content | undefined {
  const content = carrier?.content ?? {};
  const [first] = Object.values(content);
  return first && { ...first, mediaTypes: Object.keys(content) };
}

function exampleView({ responses }: OperationObject): Markup | undefined {
  const [status, answer] = Object.entries(responses).find(([code]) => code.startsWith('2')) ?? [];
  const example = contentOf(answer)?.example;
  if (example === undefined) return undefined;
  const text = typeof example === 'string' ? example : JSON.stringify(example, null, 2);
  return html`<p class="caption">Answer ${status}</p>
    ${codeBlock(text)}`;
}

/** A command that does it, with the examples of the document as values. */
function commandOf({ method, path, operation }: ShownOperation): string {
  const { parameters = [], responses, security, requestBody } = operation;
  const values = new Map(parameters.map(({ name, example }) => [name, String(example)]));
  const address = path.replaceAll(/\{([^}]+)\}/g, (_all, name: string) => values.get(name) ?? '');
  const search = shownQuery(method, parameters).flatMap(formatQuery).join('&');
  const isStream = Object.values(responses).some((answer) => 'text/event-stream' in (answer.content ?? {}));
  const options = `${isStream ? '-N ' : ''}${method === 'GET' ? '' : `-X ${method} `}`;
  const lines = [`curl ${options}'${EXAMPLE_ORIGIN}${address}${search === '' ? '' : `?${search}`}'`];
  if (security.length > 0) lines.push(`-H 'Authorization: Bearer demo-alice'`);
  const body = contentOf(requestBody);
  if (body !== undefined) {
    lines.push(`-H 'Content-Type: ${body.mediaTypes[0] ?? ''}'`, `-d '${JSON.stringify(body.example)}'`);
  }
  return lines.join(' \\\n  ');
}

/** What is required; or one parameter, which says how they are written: all of them would hide the rest. */
function shownQuery(method: string, parameters: readonly Parameter[]): readonly Parameter[] {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const required = query.filter((parameter) => parameter.required);
  if (required.length > 0) return required;
  return method === 'GET' ? query.slice(0, 1) : [];
}

function formatQuery({ name, example, style }: Parameter): string[] {
  if (Array.isArray(example)) return example.map((value) => `${name}=${String(value)}`);
  if (style === 'deepObject') {
    const members = Object.entries((example ?? {}) as Record<string, string>);
    return members.map(([member, value]) => `${name}[${member}]=${value}`);
  }
  return [`${name}=${String(example)}`];
}
