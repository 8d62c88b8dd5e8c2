import { SESSION_COOKIE, objectSchema } from '@tidewire/contract';
import { CheckFault } from './checkup.ts';
import type { Found } from './checkup.ts';
import { askHttp, explainAnswer, readJson } from './http-probe.ts';
import type { PushTarget } from './push-target.ts';

/** What may be written, and where. */
export interface RowPlan {
  readonly register: string;
  readonly schema: string;
  readonly row: object;
}

/** A row that was written. */
export interface WrittenRow {
  readonly id: string;
  readonly path: string;
  /** Monotonic milliseconds, from before the request. */
  readonly writtenAt: number;
  /** Who wrote it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Writes the row. A password is good for a session only, outside of push. */
export async function writeRow(
  target: PushTarget,
  { register, schema, row }: RowPlan,
  signal: AbortSignal,
): Promise<Found<WrittenRow>> {
  const headers = await openSession(target, signal);
  const collection = `/api/objects/${register}/${schema}`;
  const writtenAt = performance.now();
  const answer = await askHttp(`${target.origin}${collection}`, {
    method: 'POST',
    headers,
    body: row,
    signal,
  });
  const ms = performance.now() - writtenAt;
  const written = objectSchema.pick({ id: true }).safeParse(readJson(answer.text));
  if (answer.status !== 201 || !written.success) {
    await closeSession(target, headers, signal);
    const { message } = explainAnswer(answer, collection);
    throw new CheckFault(message, 'Give a collection (--write) and a row (--row) that the caller may write.');
  }
  const { id } = written.data;
  return { text: id, value: { id, path: `${collection}/${id}`, writtenAt, headers }, ms };
}

/** Deletes it again, and ends the session that wrote it. */
export async function deleteRow(
  target: PushTarget,
  { path, headers }: WrittenRow,
  signal: AbortSignal,
): Promise<Found> {
  const answer = await askHttp(`${target.origin}${path}`, { method: 'DELETE', headers, signal });
  await closeSession(target, headers, signal);
  if (answer.status < 300) return { text: path, value: undefined };
  const { message } = explainAnswer(answer, path);
  throw new CheckFault(message, `The row is still there: delete ${path} as somebody who may.`);
}

async function openSession(
  { origin, credential }: PushTarget,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (credential.type === 'token') return { authorization: `Bearer ${credential.token}` };
  const { user: username, password } = credential;
  const path = '/api/auth/login';
  const answer = await askHttp(`${origin}${path}`, {
    method: 'POST',
    headers: { origin },
    body: { username, password },
    signal,
  });
  const cookie = answer.headers.getSetCookie().find((text) => text.startsWith(`${SESSION_COOKIE}=`));
  if (answer.status >= 300 || cookie === undefined) throw explainAnswer(answer, path);
  return { origin, cookie: cookie.split(';', 1)[0] ?? '' };
}

async function closeSession(
  { origin }: PushTarget,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  if (headers['cookie'] === undefined) return;
  await askHttp(`${origin}/api/auth/logout`, { method: 'POST', headers, signal });
}
