/** Checks docs/reference/asyncapi.json: what AsyncAPI 3.0.0 asks for, references that lead somewhere, examples that are valid. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';

type Json = Readonly<Record<string, unknown>>;
interface Reference {
  readonly $ref: string;
}
interface Message {
  readonly payload: object;
  readonly examples: readonly { readonly payload: unknown }[];
}
interface Channel {
  readonly address: string;
  readonly parameters?: Json;
  readonly messages: Readonly<Record<string, Reference>>;
}
interface Operation {
  readonly channel: Reference;
  readonly messages: readonly Reference[];
  readonly reply?: { readonly channel: Reference; readonly messages: readonly Reference[] };
}

const require = createRequire(import.meta.url);
const DOCUMENT_ID = 'urn:tidewire:asyncapi';
const faults: string[] = [];
const file = join(import.meta.dirname, '..', 'docs', 'reference', 'asyncapi.json');
const document = JSON.parse(readFileSync(file, 'utf8')) as Json;

/** The grammar as its makers publish it: JSON Schema, draft 7, which is that of payloads too. */
function checkGrammar(): void {
  const grammar = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const isGrammatical = ajv.compile(grammar);
  if (!isGrammatical(document)) faults.push(ajv.errorsText(isGrammatical.errors, { separator: '\n' }));
}

function resolve(reference: string): unknown {
  let node: unknown = document;
  for (const part of reference.slice(2).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    node = typeof node === 'object' && node !== null ? (node as Json)[key] : undefined;
  }
  return node;
}

function* referencesIn(node: unknown): Generator<string> {
  if (node === null || typeof node !== 'object') return;
  for (const [key, value] of Object.entries(node)) {
    if (key === '$ref') yield String(value);
    else if (key !== 'examples') yield* referencesIn(value);
  }
}

function checkReferences(): void {
  const references = new Set(referencesIn(document));
  for (const reference of references)
    if (!reference.startsWith('#/') || resolve(reference) === undefined)
      faults.push(`${reference}: there is none`);
  const { components } = document as { components: Readonly<Record<string, Json>> };
  for (const [kind, entries] of Object.entries(components))
    for (const name of Object.keys(entries))
      if (!references.has(`#/components/${kind}/${name}`))
        faults.push(`components/${kind}/${name}: nothing refers to it`);
}

/** What the grammar cannot say: an operation's messages are its channel's, and so are those of its reply. */
function checkOperations(): void {
  const { operations } = document as unknown as { operations: Readonly<Record<string, Operation>> };
  for (const [id, operation] of Object.entries(operations))
    for (const { channel, messages } of [
      operation,
      ...(operation.reply === undefined ? [] : [operation.reply]),
    ])
      for (const { $ref } of messages)
        if (!$ref.startsWith(`${channel.$ref}/messages/`)) faults.push(`${id}: ${$ref} is not its channel's`);
}

function checkAddresses(): void {
  const { channels } = document as unknown as { channels: Readonly<Record<string, Channel>> };
  for (const [key, { address, parameters = {} }] of Object.entries(channels)) {
    const named = [...address.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name).toSorted();
    const described = Object.keys(parameters).toSorted();
    if (named.join() !== described.join())
      faults.push(`${key}: ${address} does not have ${described.join()}`);
  }
}

function checkExamples(): void {
  const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false });
  // The document is no schema itself. Ajv looks at it all the same on the way to one, and would not know its members.
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, DOCUMENT_ID, false, false);
  const { components } = document as { components: { messages: Readonly<Record<string, Message>> } };
  for (const [key, { examples }] of Object.entries(components.messages)) {
    const isValid = ajv.getSchema(`${DOCUMENT_ID}#/components/messages/${encodeURIComponent(key)}/payload`);
    if (isValid === undefined) faults.push(`${key}: its payload is no schema`);
    else
      for (const { payload } of examples)
        if (!isValid(payload)) faults.push(`${key}: ${ajv.errorsText(isValid.errors)}`);
  }
}

checkGrammar();
checkReferences();
checkOperations();
checkAddresses();
checkExamples();
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exit(faults.length > 0 ? 1 : 0);
