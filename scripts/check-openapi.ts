/** Checks docs/reference/openapi.json and the JSON Schemas beside it: linted, compiled strictly, every example valid. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';

const root = join(import.meta.dirname, '..');
const reference = join(root, 'docs', 'reference');
const DOCUMENT_ID = 'urn:tidewire:openapi';

type Json = Readonly<Record<string, unknown>>;

/** A value and the schema that it has to fit, as a JSON pointer into the document. */
interface Example {
  readonly schema: string;
  readonly value: unknown;
}

const faults: string[] = [];
// Strict: a keyword that is misspelt, or that means nothing where it stands, is an error.
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false });

function readJson(path: string): Json {
  return JSON.parse(readFileSync(path, 'utf8')) as Json;
}

/** Compiles what is at an address, which throws for what is not strictly a JSON Schema. */
function compile(schema: string): ValidateFunction | undefined {
  try {
    const check = ajv.getSchema(schema);
    if (check === undefined) faults.push(`${schema}: there is no schema`);
    return check;
  } catch (error) {
    faults.push(`${schema}: ${String(error)}`);
    return undefined;
  }
}

function validate(schema: string, value: unknown, where: string): void {
  const check = compile(schema);
  if (check !== undefined && !check(value)) faults.push(`${where}: ${ajv.errorsText(check.errors)}`);
}

function pointer(...segments: readonly string[]): string {
  const escaped = segments.map((part) =>
    encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
  );
  return `#/${escaped.join('/')}`;
}

/** Every value in the document that says what a schema beside it looks like. */
function* examplesIn(node: unknown, path: readonly string[] = []): Generator<Example> {
  if (node === null || typeof node !== 'object') return;
  const { schema, example, examples } = node as { schema?: unknown; example?: unknown; examples?: unknown };
  if (schema !== undefined) {
    const at = pointer(...path, 'schema');
    if (example !== undefined) yield { schema: at, value: example };
    for (const { value } of Object.values((examples ?? {}) as Record<string, { value: unknown }>))
      yield { schema: at, value };
  }
  for (const [key, value] of Object.entries(node))
    if (!['example', 'examples', 'schemas'].includes(key)) yield* examplesIn(value, [...path, key]);
}

function checkMessages(): void {
  for (const file of readdirSync(join(reference, 'schemas'))) {
    const schema = readJson(join(reference, 'schemas', file));
    ajv.addSchema(schema);
    validate(String(schema['$id']), readJson(join(root, 'libs/contract/examples', file)), `example ${file}`);
  }
}

function checkDocument(): void {
  const document = readJson(join(reference, 'openapi.json'));
  // The document is no schema itself. Ajv looks at it all the same on the way to one, and would not know its members.
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, DOCUMENT_ID, false, false);
  const { schemas = {} } = document['components'] as { schemas?: Record<string, unknown> };
  for (const name of Object.keys(schemas)) compile(`${DOCUMENT_ID}${pointer('components', 'schemas', name)}`);
  for (const { schema, value } of examplesIn(document)) validate(`${DOCUMENT_ID}${schema}`, value, schema);
}

function lint(): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/@redocly/cli/bin/cli.js'),
      'lint',
      join(reference, 'openapi.json'),
      `--config=${join(import.meta.dirname, 'redocly.yaml')}`,
      '--format=stylish',
    ],
    {
      encoding: 'utf8',
      // It would tell its makers that it ran, and ask for a newer one.
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    },
  );
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}`);
  faults.push('the linter refuses docs/reference/openapi.json');
}

lint();
checkMessages();
checkDocument();
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exit(faults.length > 0 ? 1 : 0);
