import { ERROR_CODES, errorCodeRow } from '../error-code.ts';
import type { ErrorCode } from '../error-code.ts';
import { PROBLEM_MEDIA_TYPE, problemSchema } from '../problem.ts';
import { TidewireError, formatProblem } from '../tidewire-error.ts';
import type { AnswerHeader } from './answer-header.ts';
import type { JsonSchemas } from './json-schema.ts';
import type { Operation, OperationAnswer, OtherErrors } from './operation.ts';
import { errorCodesOf } from './operation.ts';

type Json = Record<string, unknown>;

/** The errors of one operation: for each status the codes that it can come with, in the order of the table of codes. */
export function errorsByStatus(operation: Operation): ReadonlyMap<number, readonly ErrorCode[]> {
  const possible = new Set(errorCodesOf(operation));
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    if (!possible.has(code)) continue;
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return byStatus;
}

/** Errors of one status: the codes that they can have, and the other form in which they come. */
export interface ErrorAnswer {
  readonly codes: readonly ErrorCode[];
  readonly other: OtherErrors | undefined;
}

/** The error answers of an operation by status. */
export function errorAnswersOf(operation: Operation): ReadonlyMap<number, ErrorAnswer> {
  const { otherErrors } = operation;
  return new Map(
    [...errorsByStatus(operation)].map(([status, codes]) => [
      status,
      { codes, other: otherErrors?.statuses.includes(status) === true ? otherErrors : undefined },
    ]),
  );
}

/** The name that an error answer has among the components: the same codes and forms, the same name. */
export function errorAnswerName({ codes, other }: ErrorAnswer): string {
  const name = codes
    .map((code) =>
      code.toLowerCase().replaceAll(/(^|_)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase()),
    )
    .join('Or');
  return other === undefined ? name : `${name}InGraphql`;
}

/** An error answer as OpenAPI says it: which codes it can come with, and an example of each. */
export function describeErrors({ codes, other }: ErrorAnswer, schemas: JsonSchemas): Json {
  const headers: AnswerHeader[] = ['X-Correlation-Id'];
  const retried = codes.some((code) => errorCodeRow(code).retry !== 'never');
  if (retried && codes.some((code) => [429, 503].includes(ERROR_CODES[code].status)))
    headers.push('Retry-After');
  if (codes.some((code) => ERROR_CODES[code].status === 401)) headers.push('WWW-Authenticate');
  return {
    description: codes.map((code) => `${ERROR_CODES[code].title} (\`${code}\`).`).join(' '),
    headers: describeHeaders(headers),
    content: {
      [PROBLEM_MEDIA_TYPE]: {
        schema: {
          allOf: [
            schemas.of(problemSchema),
            { type: 'object', properties: { code: { type: 'string', enum: codes } } },
          ],
        },
        examples: Object.fromEntries(
          codes.map((code) => [
            code,
            { value: formatProblem(new TidewireError(code, `${ERROR_CODES[code].title}.`)) },
          ]),
        ),
      },
      ...(other && { [other.mediaType]: { schema: schemas.of(other.schema) } }),
    },
  };
}

/** An answer that is not an error. */
export function describeAnswer(answer: OperationAnswer, schemas: JsonSchemas): Json {
  const { description, schema, mediaType, otherMediaTypes = [], example, events, headers = [] } = answer;
  const content: Json = {
    schema: schema === undefined ? { type: 'string' } : schemas.of(schema),
    ...(example !== undefined && { example }),
    // OpenAPI 3.1 has no word for what is in a stream.
    ...(events && {
      'x-events': Object.fromEntries(Object.entries(events).map(([name, data]) => [name, schemas.of(data)])),
    }),
  };
  const hasBody = schema !== undefined || mediaType !== undefined;
  return {
    description,
    headers: describeHeaders([...headers, 'X-Correlation-Id']),
    ...(hasBody && {
      content: Object.fromEntries(
        [mediaType ?? 'application/json', ...otherMediaTypes].map((type) => [type, content]),
      ),
    }),
  };
}

function describeHeaders(names: readonly AnswerHeader[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
