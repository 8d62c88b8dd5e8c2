import { z } from 'zod';
import explanationExample from '../../examples/explanation.json' with { type: 'json' };
import { eventIdSchema } from '../event-id.ts';
import { EXPLAIN_LIMITS, EXPLAIN_PARAMETERS, explanationSchema } from '../explain.ts';
import { principalIdSchema, slugSchema } from '../identifier.ts';
import { POLL_PARAMETERS } from '../poll-limits.ts';
import type { Operation } from './operation.ts';
import { SUBSCRIPTION_PARAMETERS } from './realtime.ts';

/** `/api/explain`. */
export const EXPLAIN_OPERATIONS = [
  {
    service: 'fanout-gateway',
    tag: 'explain',
    authentication: 'required',
    id: 'explain',
    method: 'GET',
    path: '/api/explain',
    summary: 'Why somebody sees something, or does not',
    description:
      'With `event`: which rules let a past event reach a principal or stop it, down to each property, under the rights of ' +
      'now, and whether rights changed since. With `topic` or `table`: why a subscription sees nothing, or what it sees. ' +
      'Administrators ask about anybody; everybody else about a subscription of its own, and is told what its own rights ' +
      'tell and nothing about what it may not see. A limited token of an administrator is not an administrator. Few ' +
      'explanations run at once: 503 with `Retry-After` says to come again.',
    parameters: [
      {
        name: EXPLAIN_PARAMETERS.principal,
        in: 'query',
        schema: principalIdSchema,
        description:
          'Who is asked about; the caller when absent. Scopes of a token count for the caller itself only.',
        example: 'bob',
      },
      {
        name: EXPLAIN_PARAMETERS.event,
        in: 'query',
        schema: eventIdSchema,
        description: 'The id of an event that the log still holds, instead of a subscription.',
        example: 'evt-mwrd70tk-000000000042',
      },
      { ...SUBSCRIPTION_PARAMETERS.topic, required: false },
      {
        name: POLL_PARAMETERS.table,
        in: 'query',
        schema: slugSchema,
        description: 'The slug of a table, instead of topics.',
        example: 'meldingen',
      },
      {
        name: POLL_PARAMETERS.filter,
        in: 'query',
        schema: z.union([z.string(), z.record(z.string(), z.string())]),
        description: 'The filter of the subscription, as a poll takes it.',
        example: 'status:eq:nieuw',
      },
      {
        name: POLL_PARAMETERS.fields,
        in: 'query',
        schema: z.string(),
        description: 'The fields of the subscription, separated by commas. For topics `_fields` is the same.',
        example: 'titel,status',
      },
      SUBSCRIPTION_PARAMETERS.events,
      {
        name: EXPLAIN_PARAMETERS.limit,
        in: 'query',
        schema: z.int().min(1).max(EXPLAIN_LIMITS.maxEvents).default(EXPLAIN_LIMITS.defaultEvents),
        description: 'How many past events are looked at.',
        example: 200,
      },
    ],
    answers: {
      200: { description: 'The explanation.', schema: explanationSchema, example: explanationExample },
    },
    errors: [
      'FORBIDDEN',
      'NOT_FOUND',
      'MALFORMED_TOPIC',
      'MALFORMED_FILTER',
      'UNKNOWN_FIELD',
      'TOO_MANY_SUBSCRIPTIONS',
    ],
  },
] as const satisfies readonly Operation[];
