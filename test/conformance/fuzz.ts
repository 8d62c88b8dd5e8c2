import { Agent, request as send } from 'node:http';
import type { Platform } from '@tidewire/test-kit';
import { Random } from '../oracle/random.ts';
import { AnswerCheck, wasRefusedInside } from './answer-check.ts';
import type { FuzzAnswer } from './answer-check.ts';
import { ApiDocument } from './api-document.ts';
import { FuzzWorld } from './fuzz-world.ts';
import { RequestSource } from './request-source.ts';
import type { FuzzRequest } from './request-source.ts';

export interface FuzzOptions {
  readonly platform: Platform;
  readonly requests: number;
  readonly seed: number;
}

export interface FuzzReport {
  /** Each kind of finding once, with a request that shows it. */
  readonly findings: readonly string[];
  readonly requests: number;
  /** How often each status was answered. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Operations that were never answered with success. */
  readonly neverSucceeded: readonly string[];
}

const AT_ONCE = 8;
/** A request that takes longer has found a way to keep the server busy. */
const PATIENCE_MS = 15_000;
/** Of a stream only the beginning is looked at. */
const STREAM_BYTES = 1;
const MEND_EVERY = 200;
const MOST_FINDINGS = 40;

/** Sends requests made from the published document, and holds every answer to it. */
export async function fuzz({ platform, requests, seed }: FuzzOptions): Promise<FuzzReport> {
  const document = new ApiDocument();
  const world = new FuzzWorld(platform);
  await using _living = world.living;
  const random = new Random(seed);
  const source = new RequestSource(document, random, world);
  const check = new AnswerCheck(document);
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const findings = new Map<string, string>();
  const statuses = new Map<number, number>();
  const succeeded = new Set<string>();
  let sent = 0;

  // A process makes two explanations at once and refuses more: they are asked for one after another.
  let explained: Promise<unknown> = Promise.resolve();
  const inTurn = async <Answer>({ operation }: FuzzRequest, ask: () => Promise<Answer>): Promise<Answer> => {
    if (operation.operationId !== 'explain') return await ask();
    const turn = explained.then(ask);
    explained = turn;
    return await turn;
  };
  const one = async (): Promise<void> => {
    const request = source.next(random.pick(document.operations));
    const answer = await inTurn(request, () => exchange(platform.origin, agent, request));
    const fault = 'fault' in answer ? answer.fault : check.faultIn(request, answer);
    if (fault !== undefined && findings.size < MOST_FINDINGS) {
      const kind = `${request.operation.operationId}: ${fault}`;
      if (!findings.has(kind)) findings.set(kind, `${kind}\n${describe(request, answer)}`);
    }
    if ('fault' in answer) return;
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    if (answer.status < 300 && request.onPath && !wasRefusedInside(request, answer)) {
      succeeded.add(request.operation.operationId);
      world.learnFrom(request, parse(answer.body));
    }
  };
  for (let end = 0; end < requests;) {
    await world.mend();
    end = Math.min(end + MEND_EVERY, requests);
    const due = end;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (sent < due) {
          sent += 1;
          await one();
        }
      }),
    );
  }
  agent.destroy();
  return {
    findings: [...findings.values()],
    requests: sent,
    statuses: new Map([...statuses].sort(([a], [b]) => a - b)),
    neverSucceeded: document.operations
      .map(({ operationId }) => operationId)
      .filter((operationId) => !succeeded.has(operationId)),
  };
}

async function exchange(
  origin: string,
  agent: Agent,
  { method, target, headers, body }: FuzzRequest,
): Promise<FuzzAnswer | { readonly fault: string }> {
  const { hostname, port } = new URL(origin);
  const { promise, resolve } = Promise.withResolvers<FuzzAnswer | { readonly fault: string }>();
  const outgoing = send(
    {
      host: hostname,
      port,
      method,
      path: target,
      agent,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(body.length) }) },
      signal: AbortSignal.timeout(PATIENCE_MS),
    },
    (incoming) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const finish = (): void =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
      const isStream = incoming.headers['content-type']?.startsWith('text/event-stream') === true;
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (isStream && length >= STREAM_BYTES) {
          finish();
          outgoing.destroy();
        }
      });
      incoming.on('end', finish);
      incoming.on('error', () => resolve({ fault: 'the answer broke off' }));
    },
  );
  outgoing.on('error', (error) => resolve({ fault: `no answer: ${error.message}` }));
  outgoing.end(body);
  return await promise;
}

function describe(request: FuzzRequest, answer: FuzzAnswer | { readonly fault: string }): string {
  const { method, target, headers, body } = request;
  const sent = `  ${method} ${target.slice(0, 400)}\n  ${JSON.stringify(headers).slice(0, 300)}\n  ${body?.toString().slice(0, 400) ?? ''}`;
  return 'fault' in answer ? sent : `${sent}\n  -> ${answer.status} ${answer.body.toString().slice(0, 400)}`;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
