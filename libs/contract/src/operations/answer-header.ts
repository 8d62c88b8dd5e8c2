import { z } from 'zod';
import { eventIdSchema } from '../event-id.ts';
import { uuidSchema } from '../identifier.ts';

interface AnswerHeaderRow {
  readonly schema: z.ZodType;
  readonly description: string;
  readonly example: unknown;
  /** Whether an answer that says that it has this header always has it. */
  readonly required: boolean;
}

/** Headers of answers, as people write their names. `HTTP_HEADERS` has those that code reads. */
export const ANSWER_HEADERS = Object.freeze({
  'X-Correlation-Id': {
    required: false,
    schema: z.string().max(128),
    description:
      'Names the request, in logs and in the events that it causes. Echoed when the request has one.',
    example: '5f0c2a9e-7a51-4b7e-9c43-0f3d5f7a1b2c',
  },
  'X-Event-Position': {
    required: true,
    schema: eventIdSchema,
    description: 'The place in the log that the answer includes. Subscribe from it, and nothing is missed.',
    example: 'evt-mwrd70tk-000000000041',
  },
  'X-Object-Version': {
    required: true,
    schema: z.int().min(1),
    description: 'The `_version` of the object in this answer.',
    example: 3,
  },
  'ETag': {
    required: true,
    schema: z.string(),
    description:
      'Names the content of the answer. Send it as `If-None-Match` and get 304 while nothing changed.',
    example: '"9b2f0c61d7e84a35"',
  },
  'Location': {
    required: true,
    schema: z.string(),
    description: 'The path of what was created.',
    example: '/api/objects/meldingen-register/meldingen/550e8400-e29b-41d4-a716-446655440000',
  },
  'Retry-After': {
    required: false,
    schema: z.int().min(0),
    description: 'Try again after so many seconds.',
    example: 1,
  },
  'WWW-Authenticate': {
    required: true,
    schema: z.string(),
    description: 'How to authenticate.',
    example: 'Bearer realm="tidewire"',
  },
  'Set-Cookie': {
    required: false,
    schema: z.string(),
    description: 'The session, for browsers: scripts cannot read it, and other sites cannot use it.',
    example: 'tidewire_session=tw_s_…; Path=/; HttpOnly; SameSite=Lax',
  },
  'Tidewire-Connection': {
    required: true,
    schema: uuidSchema,
    description: 'Names the connection.',
    example: '7c1e0f5a-3b1d-4a52-8f6e-2d9c1b0a4e77',
  },
  'Tidewire-Protocol': {
    required: true,
    schema: z.string(),
    description: 'Version of the protocol.',
    example: '1',
  },
} as const satisfies Record<string, AnswerHeaderRow>);

export type AnswerHeader = keyof typeof ANSWER_HEADERS;
