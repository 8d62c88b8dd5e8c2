import { NATS_ACCOUNTS, SUBSCRIBER_LIMITS, subscriberPermissions } from '@tidewire/contract';
import type { SubscriberAddress } from '@tidewire/contract';
import { createAccountKey, readAccountKey } from '@tidewire/messaging';
import type { AccountKey } from '@tidewire/messaging';
import { NatsSocket } from '@tidewire/test-kit';

/** What the server asks, as far as it is of interest here. */
interface Question {
  readonly user_nkey: string;
  readonly server_id: { readonly id: string; readonly name: string };
  readonly client_info: { readonly kind: string };
  readonly connect_opts: { readonly auth_token?: string; readonly pass?: string; readonly user?: string };
}

/** A callout of the tests: whoever shows a token that it knows becomes that subscriber, leaf nodes included. */
export interface SmallCallout extends Disposable {
  /** What it was asked about, by the kind of connection. */
  readonly questions: readonly Question[];
}

export interface SmallCalloutOptions {
  /** Where it is connected, as a user of the system account. */
  readonly login: { readonly port: number; readonly user: string; readonly password: string };
  readonly key: AccountKey;
  readonly tokens: Readonly<Record<string, SubscriberAddress>>;
}

/** A key that nobody has had before. */
export function createCalloutKey(): AccountKey {
  return readAccountKey(createAccountKey().seed);
}

export async function startSmallCallout(options: SmallCalloutOptions): Promise<SmallCallout> {
  const { login, key, tokens } = options;
  const socket = await NatsSocket.connect({ ...login, inbox: `_INBOX_${login.user}` });
  const questions: Question[] = [];
  const users = new Map(Object.entries(tokens));
  socket.handle('$SYS.REQ.USER.AUTH', 'callout', ({ data, reply }) => {
    const claims = Buffer.from(data.split('.')[1] ?? '', 'base64url').toString();
    const question = (JSON.parse(claims) as { nats: Question }).nats;
    questions.push(question);
    const { auth_token: token, pass } = question.connect_opts;
    const address = users.get(token ?? pass ?? '');
    const verdict =
      address === undefined ? { error: 'unknown token' } : { jwt: signUser(key, question, address) };
    const answer = { ...verdict, type: 'authorization_response', version: 2 };
    socket.publish(
      reply,
      key.sign({ sub: question.user_nkey, aud: question.server_id.id, nats: answer }, Date.now()),
    );
  });
  await socket.flush();
  return { questions, [Symbol.dispose]: () => socket[Symbol.dispose]() };
}

const LIFE_SECONDS = 900;

function signUser(key: AccountKey, question: Question, address: SubscriberAddress): string {
  const { publish, subscribe } = subscriberPermissions(address);
  const claims = {
    name: `${address.principal}/test`,
    sub: question.user_nkey,
    aud: NATS_ACCOUNTS.clients,
    exp: Math.floor(Date.now() / 1000) + LIFE_SECONDS,
    nats: {
      type: 'user',
      version: 2,
      subs: SUBSCRIBER_LIMITS.subscriptions,
      data: -1,
      payload: SUBSCRIBER_LIMITS.payloadBytes,
      pub: { allow: publish },
      sub: { allow: subscribe },
    },
  };
  return key.sign(claims, Date.now());
}
