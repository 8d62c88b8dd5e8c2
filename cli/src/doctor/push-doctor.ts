import { PUSH_TEXTS } from '@tidewire/contract';
import { CheckFault, NotApplicable } from './checkup.ts';
import type { Checkup } from './checkup.ts';
import {
  compareOrigins,
  enter,
  explainLogin,
  issueToken,
  logIn,
  openSocket,
  reachOrigin,
  readCapabilities,
  readEndpoints,
} from './push-entrance.ts';
import { NO_PING, NO_PONG, awaitPing, exchangePings } from './push-pings.ts';
import { countNotifications, findPosition, readLogin } from './push-reading.ts';
import type { RowPlan } from './push-row.ts';
import { endpointsOf } from './push-target.ts';
import type { PushEndpoints, PushTarget } from './push-target.ts';
import { WAKE_UP_CHECKS, examineWakeUp } from './push-wake-up.ts';
import type { SocketProbe } from './socket-probe.ts';

/** The socket opened, and nothing was said on it. */
const SILENT = new CheckFault(
  'the socket is open, but nobody answers on it',
  'A proxy holds messages of WebSockets back, or the push notifier cannot ask authz: its log says so.',
);

/**
 * Looks at the whole chain of push from outside, as a client has it. Writes only what `plan` allows, and deletes it again; does
 * not deal with notifications. Whoever it acts as is followed from then on (PROTOCOL.md chapter 8).
 */
export async function examinePush(
  checkup: Checkup,
  target: PushTarget,
  plan: RowPlan | undefined,
): Promise<void> {
  await checkup.check('origin', (signal) => reachOrigin(target, signal));
  const capabilities = await checkup.check('credential', (signal) => readCapabilities(target, signal), {
    needs: ['origin'],
  });
  const named = await checkup.check('capabilities', async () => readEndpoints(capabilities ?? {}), {
    needs: ['credential'],
  });
  const endpoints =
    (named &&
      (await checkup.check('endpoints', async () => compareOrigins(named, target.origin), {
        needs: ['capabilities'],
      }))) ??
    // The credential is shown to nobody else; what comes next may be right all the same.
    endpointsOf(target.origin);
  if (named === undefined) checkup.skip('endpoints', 'they are not known');
  using probe = await examineEntrance(checkup, target, endpoints);
  await checkup.check('changes', (signal) => findPosition(target, signal), { needs: ['credential'] });
  await checkup.check('notifications', (signal) => countNotifications(target, signal), {
    needs: ['credential'],
  });
  if (plan !== undefined) {
    await examineWakeUp(checkup, target, { plan, probe: probe.socket });
    return;
  }
  for (const name of WAKE_UP_CHECKS) checkup.skip(name, 'not without --write');
}

/** Everything up to a socket that is let in, which is returned. */
async function examineEntrance(
  checkup: Checkup,
  target: PushTarget,
  endpoints: PushEndpoints,
): Promise<{ readonly socket: SocketProbe | undefined } & Disposable> {
  await checkup.check('upgrade', (signal) => openSocket(endpoints, signal), { needs: ['origin'] });
  const token = await checkup.check('pre-auth', (signal) => issueToken(target, endpoints, signal), {
    needs: ['credential'],
  });
  const login = ['', token ?? ''] as const;
  const socket = await checkup.check(
    'login',
    async (signal) => ({ text: PUSH_TEXTS.authenticated, value: await enter(endpoints, login, signal) }),
    { needs: ['upgrade', 'pre-auth'], late: SILENT },
  );
  await checkup.check('token-once', (signal) => tryAgain(endpoints, login, signal), {
    needs: ['login'],
    late: SILENT,
  });
  await examinePings(checkup, socket);
  await checkPassword(checkup, target, endpoints);
  return { socket, [Symbol.dispose]: () => socket?.[Symbol.dispose]() };
}

async function tryAgain(endpoints: PushEndpoints, login: readonly [string, string], signal: AbortSignal) {
  const { probe, answer } = await logIn(endpoints, login, signal);
  probe[Symbol.dispose]();
  if (answer === PUSH_TEXTS.invalidCredentials) return { text: 'refused the second time', value: undefined };
  if (answer !== PUSH_TEXTS.authenticated) throw explainLogin(answer);
  throw new CheckFault(
    'the same token lets in twice',
    'Whoever reads it in between gets in, too. Please report this, with how many notifiers and NATS servers there are.',
  );
}

async function examinePings(checkup: Checkup, socket: SocketProbe | undefined): Promise<void> {
  if (socket === undefined) {
    for (const name of ['server-ping', 'own-ping'] as const) checkup.skip(name, 'no socket was let in');
    return;
  }
  await checkup.check('server-ping', (signal) => awaitPing(socket, signal), { late: NO_PING });
  await checkup.check('own-ping', (signal) => exchangePings(socket, signal), {
    needs: ['server-ping'],
    late: NO_PONG,
  });
}

/** As a desktop gets in, which has nothing else. */
async function checkPassword(checkup: Checkup, target: PushTarget, endpoints: PushEndpoints): Promise<void> {
  await checkup.check(
    'password',
    async (signal) => {
      const login = await readLogin(target, signal);
      if (login === undefined) throw new NotApplicable('this credential cannot be a password');
      using _ = await enter(endpoints, login, signal);
      return { text: `${login[0]}, by a ${target.credential.type}`, value: undefined };
    },
    { needs: ['credential', 'upgrade'], late: SILENT },
  );
}
