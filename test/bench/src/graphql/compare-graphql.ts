import { GRAPHQL_PATHS } from '@tidewire/contract';
import { benchRow, nowUs } from '../bench-town.ts';
import type { BenchTown } from '../bench-town.ts';
import type { LoadPlan } from '../loader.ts';

/** One way of being told of the same events. */
export interface Face {
  readonly name: 'sse' | 'graphql-sse';
  readonly path: string;
  /** Without the credential. */
  readonly query: string;
}

/** Every field of the row, and what names the object and its state. */
const FIELDS =
  '_uuid _register _schema _organisation _owner _version _created _updated title hiddenFrom amount note sentUs secret';

/**
 * The two faces, whose events have the same fields and as many bytes: a long name makes up what an envelope takes. `token`:
 * of somebody who may see every field.
 */
export async function facesOfOneSize(
  origin: string,
  town: BenchTown,
  token: string,
): Promise<readonly Face[]> {
  const plain: Face = {
    name: 'sse',
    path: '/api/realtime/subscribe',
    query: `topic=register/${town.register}/schema/items`,
  };
  const graphql = (filling: number): Face => ({
    name: 'graphql-sse',
    path: GRAPHQL_PATHS.subscriptions,
    query: `query=${encodeURIComponent(`subscription { ${'f'.repeat(filling)}: itemsEvents { ${FIELDS} } }`)}`,
  });
  const [wide, narrow] = await Promise.all(
    [plain, graphql(1)].map((face) => bytesOfOne(origin, town, `${face.path}?${face.query}&token=${token}`)),
  );
  return [plain, graphql(1 + Math.max(0, (wide ?? 0) - (narrow ?? 0)))];
}

/** Length of the first event's data. */
async function bytesOfOne(origin: string, town: BenchTown, address: string): Promise<number> {
  const abort = new AbortController();
  const answer = await fetch(`${origin}${address}`, {
    headers: { accept: 'text/event-stream' },
    signal: abort.signal,
  });
  if (answer.status !== 200 || answer.body === null) throw new Error(`refused with ${answer.status}`);
  let text = '';
  const written = town.writer.send('POST', town.path, benchRow(nowUs()));
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const [, data] = /^data: (.*)\n\n/m.exec(text) ?? [];
    if (data === undefined) continue;
    await written;
    abort.abort();
    return data.length;
  }
  throw new Error('the stream ended before its first event');
}

/** Subscribers of a face, each with the credential of one of these readers in turn. */
export function subscribersOf(
  { path, query }: Pick<Face, 'path' | 'query'>,
  count: number,
  readers: BenchTown['readers'],
): LoadPlan['subscribers'] {
  return Array.from({ length: count }, (_, index) => {
    const reader = readers[index % readers.length];
    return { path, query: `${query}&token=${reader?.token}`, maySeeSecret: reader?.maySeeSecret ?? false };
  });
}
