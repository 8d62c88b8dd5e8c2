import { QUERY_PARAMETERS, entriesOfQuery, queryRequestSchema } from '@tidewire/contract';
import type { QueryRequest, SubscriberAddress } from '@tidewire/contract';
import { clientEndpoint } from '@tidewire/messaging';
import type { AnyClientEndpoint } from '@tidewire/messaging';
import type { RightsView } from '@tidewire/policy';
import type { Reader } from '@tidewire/rights';
import { parseJsonRequest } from '@tidewire/service-kit';
import type { Explainer } from '../explain/explainer.ts';
import type { SubscriberAdmissions } from '../rights/subscriber-admission.ts';
import { listTopics } from '../rights/topic-list.ts';
import { parseExplainQuery } from '../routes/explain-query.ts';
import { badParameter, queryOf } from '../routes/subscription-query.ts';
import type { QueryEntries } from '../routes/subscription-query.ts';

export interface ReadEndpointOptions {
  readonly admissions: Pick<SubscriberAdmissions, 'admit'>;
  readonly view: () => RightsView;
  /** @throws TidewireError while the rights are not known. */
  readonly requireReady: () => void;
  readonly explainer: Explainer;
  readonly maxTopics: number;
}

type Answer = (reader: Reader, query: QueryEntries) => Promise<unknown>;

/** `read.v1.topics` and `read.v1.explain`: the documents that `GET` answers. */
export function readEndpoints(options: ReadEndpointOptions): readonly AnyClientEndpoint[] {
  const { admissions, view, requireReady, explainer, maxTopics } = options;
  const as =
    (answer: Answer) =>
    async (address: SubscriberAddress, request: QueryRequest): Promise<unknown> => {
      requireReady();
      const query = queryWithoutSecret(request);
      const admission = await admissions.admit(address);
      try {
        return await answer(admission.reader, query);
      } finally {
        admission.release();
      }
    };
  const parse = (text: string): QueryRequest => parseJsonRequest(queryRequestSchema, text);
  return [
    clientEndpoint({
      kind: 'topics',
      parse,
      handle: as(async (reader, { entries: [parameter] }) => {
        if (parameter !== undefined) throw badParameter(parameter[0], 'A list of topics takes no parameters');
        return listTopics(view(), reader);
      }),
    }),
    clientEndpoint({
      kind: 'explain',
      parse,
      handle: as((reader, query) => explainer.explain(parseExplainQuery(query, maxTopics), reader)),
    }),
  ];
}

/** NATS has said who asks: a secret here would be for nothing but logs of others. */
function queryWithoutSecret(request: QueryRequest): QueryEntries {
  const query = queryOf(entriesOfQuery(request.query));
  const name = QUERY_PARAMETERS.token;
  if (query.values(name).length > 0) throw badParameter(name, 'A request on NATS takes no credential');
  return query;
}
