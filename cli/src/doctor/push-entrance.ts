import { PUSH_PATHS, PUSH_TEXTS, capabilitiesSchema, preAuthTokenSchema } from '@tidewire/contract';
import { CheckFault } from './checkup.ts';
import type { Found } from './checkup.ts';
import { askHttp, explainAnswer, readJson } from './http-probe.ts';
import { askPush } from './push-target.ts';
import type { PushEndpoints, PushTarget } from './push-target.ts';
import { SocketProbe } from './socket-probe.ts';

/** Whether anything answers over HTTP there. */
export async function reachOrigin({ origin }: PushTarget, signal: AbortSignal): Promise<Found> {
  const answer = await askHttp(`${origin}/`, { signal });
  if (answer.status >= 300 && answer.status < 400) {
    const location = new URL(answer.headers.get('location') ?? '/', origin);
    if (location.origin !== origin) throw explainAnswer(answer, origin);
  }
  return { text: origin, value: undefined };
}

/** What the installation says about itself to who shows this credential. */
export async function readCapabilities(target: PushTarget, signal: AbortSignal): Promise<Found<object>> {
  const path = PUSH_PATHS.capabilities;
  const answer = await askPush(target, `${path}?format=json`, { signal });
  const body = readJson(answer.text) as
    { ocs?: { data?: { capabilities?: Record<string, unknown> } } } | undefined;
  const capabilities = body?.ocs?.data?.capabilities;
  if (answer.status !== 200 || capabilities === undefined) throw explainAnswer(answer, path);
  if (Object.keys(capabilities).length === 0) {
    throw new CheckFault(
      'the credential was shown, but did not arrive: a proxy takes it away',
      'Let the proxy pass the header Authorization on.',
    );
  }
  const { credential } = target;
  const who = credential.type === 'password' ? `${credential.user}, by a password` : 'a token';
  return { text: who, value: body ?? {} };
}

/** Where it says that push is. */
export function readEndpoints(capabilities: object): Found<PushEndpoints> {
  const parsed = capabilitiesSchema.safeParse(capabilities);
  const push = parsed.data?.ocs.data.capabilities.notify_push;
  if (push === undefined) {
    throw new CheckFault(
      'the capabilities have no notify_push that could be read',
      'Is it Tidewire that answers, or a Nextcloud on the same origin? Give Tidewire an origin of its own.',
    );
  }
  return { text: push.endpoints.websocket, value: push.endpoints };
}

/** Clients believe the endpoints: they have to lead here. */
export function compareOrigins(endpoints: PushEndpoints, origin: string): Found<PushEndpoints> {
  const here = new URL(origin);
  for (const endpoint of [endpoints.websocket, endpoints.pre_auth]) {
    const there = new URL(endpoint.replace(/^ws/, 'http'));
    if (there.origin === here.origin) continue;
    const advice = `If clients reach it at ${origin}, set TIDEWIRE_PUBLIC_URL=${origin} for all services; otherwise give their address as --url.`;
    if (there.hostname === here.hostname && there.protocol !== here.protocol) {
      throw new CheckFault(
        `clients are sent to ${endpoint}: ${there.protocol}// in place of ${here.protocol}//`,
        advice,
      );
    }
    throw new CheckFault(`clients are sent to another origin: ${endpoint}`, advice);
  }
  return { text: origin, value: endpoints };
}

/** Whether upgrades come through. */
export async function openSocket({ websocket }: PushEndpoints, signal: AbortSignal): Promise<Found> {
  using _ = await SocketProbe.open(websocket, signal);
  return { text: websocket, value: undefined };
}

/** A token as pages get it. */
export async function issueToken(
  target: PushTarget,
  { pre_auth: url }: PushEndpoints,
  signal: AbortSignal,
): Promise<Found<string>> {
  const answer = await askPush(target, url, { method: 'POST', signal });
  const token = answer.text.trim();
  if (answer.status === 200 && preAuthTokenSchema.safeParse(token).success) {
    return { text: `${token.length} letters`, value: token };
  }
  throw explainAnswer(answer, new URL(url).pathname);
}

/** Opens a socket and says who is there. The caller owns it. */
export async function logIn(
  { websocket }: PushEndpoints,
  [user, password]: readonly [string, string],
  signal: AbortSignal,
): Promise<{ readonly probe: SocketProbe; readonly answer: string }> {
  const probe = await SocketProbe.open(websocket, signal);
  try {
    probe.send(user, password);
    const { text } = await probe.until(() => probe.heard[0], signal);
    return { probe, answer: text };
  } catch (error) {
    probe[Symbol.dispose]();
    throw error;
  }
}

/** Lets in, or says why not. */
export async function enter(
  endpoints: PushEndpoints,
  login: readonly [string, string],
  signal: AbortSignal,
): Promise<SocketProbe> {
  const { probe, answer } = await logIn(endpoints, login, signal);
  if (answer === PUSH_TEXTS.authenticated) return probe;
  probe[Symbol.dispose]();
  throw explainLogin(answer);
}

/** What the socket says in place of letting in. */
export function explainLogin(answer: string): CheckFault {
  const said = `the socket says “${answer.slice(0, 200)}”`;
  if (answer === PUSH_TEXTS.invalidCredentials) {
    return new CheckFault(
      said,
      'The name, password or token is not (or no longer) good: tokens of pages count at every notifier, once, for 15 ' +
        'seconds. Do all notifiers use the same NATS, and are their clocks right?',
    );
  }
  if (answer.startsWith(PUSH_TEXTS.unavailable)) {
    return new CheckFault(said, 'Is authz running? The log of the push notifier says what it could not ask.');
  }
  if (answer === PUSH_TEXTS.timedOut) {
    return new CheckFault(said, 'What was sent did not arrive: a proxy holds messages of WebSockets back.');
  }
  return new CheckFault(said, 'Something that is not Tidewire answers, or a much newer one.');
}
