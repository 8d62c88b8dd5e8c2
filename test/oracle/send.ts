import { Finding } from './finding.ts';
import type { Write } from './model.ts';
import type { World } from './world.ts';

/** A write as it is sent. */
export interface Sent {
  readonly writer: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly allowed: boolean;
  /** Whether it may be refused all the same: rights alone do not tell whether its writer knows of the table. */
  readonly unsure?: boolean;
  /** How it is refused if it is not allowed; undefined: somehow. */
  readonly refusal?: number | undefined;
}

/** What is written; the answer is undefined where it was lost. */
export type Outcome = (answer: Record<string, unknown> | undefined) => readonly Write[];

/** Sends a write. Its answer must be the one that rights and rows call for. */
export async function send(world: World, sent: Sent, outcome: Outcome): Promise<void> {
  const { writer, method, path, body, allowed, unsure = false, refusal } = sent;
  const answer = await world
    .api(writer)
    .ask(method, path, body)
    .catch(() => undefined);
  if (answer === undefined || answer.status >= 500) {
    // Nobody knows whether it was done: the log will tell.
    if (allowed) world.model.wrote(outcome(undefined), true);
    return;
  }
  const done = answer.status < 300;
  const asExpected = done ? allowed : unsure || (!allowed && [undefined, answer.status].includes(refusal));
  if (!asExpected) {
    throw new Finding('wrong-verdict', `${method} of ${writer} was answered ${answer.status}`, {
      path,
      body,
      answer: answer.body,
      allowed,
      refusal,
      principal: world.model.rights.principals.get(writer),
    });
  }
  if (done) world.model.wrote(outcome(answer.body as Record<string, unknown> | undefined));
}
