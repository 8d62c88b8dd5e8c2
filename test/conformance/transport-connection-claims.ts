import { REALTIME_TRANSPORT_CONFIG } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { expect } from 'vitest';
import type { Claim } from './transport-claim.ts';
import { graphqlSse } from './transport-graphql-sse.ts';
import { graphqlSocket } from './transport-graphql-socket.ts';
import { graphqlStream } from './transport-graphql-stream.ts';
import { sharedSocket, tableSocket } from './transport-socket.ts';
import { severalSse } from './transport-sse-several.ts';
import { tableSse, topicSse } from './transport-sse.ts';
import { untilTold } from './transport-stage.ts';
import type { Stage } from './transport-stage.ts';
import type { End, Follower, Refusal } from './transport.ts';

const { maxConnectionsPerUser } = REALTIME_TRANSPORT_CONFIG;
const MINUTE_MS = 60_000;
/** Whoever may create rows may have some. */
const NOBODY = ['nobody-there'];
const CLOSED = { read: NOBODY, create: NOBODY, update: NOBODY, delete: NOBODY };

/** Who is let in, by what, for how long, and how it ends. */
export const CONNECTION_CLAIMS: readonly Claim[] = [
  {
    name: 'nobody is let in without a credential that holds',
    about: 'changes',
    hold: async (stage) => {
      const ended = await stage.bobs();
      await stage.revoke(ended);
      for (const token of [undefined, 'nonsense', ended.token]) {
        expect(await refusalOf(stage.ask({ token }))).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
      }
    },
  },
  {
    name: 'what is not there and what may not be read are refused alike',
    about: 'changes',
    hold: async (stage) => {
      const closed = await stage.schema(CLOSED);
      const texts: string[] = [];
      for (const place of [closed, stage.nowhere]) {
        const { status, code, message } = await refusalOf(stage.ask({ place }));
        expect([status, code]).toEqual([404, 'NOT_FOUND']);
        const names = [place.topic, place.graphql.events, place.table];
        texts.push(names.reduce((text, name) => text.replaceAll(name, 'NAME'), message));
      }
      expect(texts[0]).toBe(texts[1]);
    },
  },
  {
    name: 'a filter on what is not there, or may not be read, or that cannot be, is refused',
    about: 'changes',
    hold: async (stage) => {
      for (const field of ['melderEmail', 'nothing']) {
        const filter = { field, operator: 'eq', value: 'x' } as const;
        const refusal = await refusalOf(stage.ask({ filter }));
        expect(refusal).toMatchObject({ status: 400, code: 'UNKNOWN_FIELD' });
      }
      const filter = { field: 'prioriteit', operator: 'gt', value: 'many' } as const;
      expect(await refusalOf(stage.ask({ filter }))).toMatchObject({ status: 400, code: 'MALFORMED_FILTER' });
    },
  },
  {
    name: 'a filter does not tell a field that may not be read from one that is not there',
    about: 'changes',
    needs: 'secret names',
    hold: async (stage) => {
      const texts: string[] = [];
      for (const field of ['melderEmail', 'nothing']) {
        const filter = { field, operator: 'eq', value: 'x' } as const;
        const { message } = await refusalOf(stage.ask({ filter }));
        texts.push(message.replaceAll(field, 'NAME'));
      }
      expect(texts[0]).toBe(texts[1]);
    },
  },
  {
    name: 'a principal has so many connections over all gateways and transports together',
    about: 'changes',
    hold: async (stage) => {
      const { token } = await stage.somebody();
      using open = new DisposableStack();
      const sse = [tableSse, topicSse, severalSse, graphqlSse, graphqlStream];
      const takers = [...sse, tableSocket, sharedSocket, graphqlSocket];
      for (let index = 0; index < maxConnectionsPerUser; index += 1) {
        const gateway = index % 4 < 2 ? 0 : 1;
        open.use(await stage.follow({ token, gateway }, takers[index % takers.length]));
      }
      const refusals = await Promise.all(
        ([0, 1] as const).map((gateway) => refusalOf(stage.ask({ token, gateway }))),
      );
      for (const { code, status, retryAfter } of refusals) {
        expect([status, code]).toEqual([429, 'TOO_MANY_CONNECTIONS']);
        expect(Number(retryAfter)).toBeGreaterThan(0);
      }
      open.dispose();
      await waitFor(
        async () => {
          using again = await stage.ask({ token, gateway: 1 });
          return again.account.live;
        },
        { what: 'the places are free again' },
      );
    },
  },
  {
    name: 'it says from where it tells before it tells anything',
    about: 'changes',
    hold: async (stage) => {
      using first = await stage.follow();
      const { cursor = '', changes } = first.account;
      expect(cursor).toMatch(/^evt-[0-9a-z]{8}-[0-9]{12}$/);
      expect(changes).toEqual([]);
      const id = await stage.create({ titel: 'after', status: 'nieuw' });
      using second = await stage.follow({ gateway: 1, cursor });
      expect(await untilTold(second, 1, id)).toMatchObject([{ fields: { titel: 'after' } }]);
    },
  },
  {
    name: 'a revoked credential ends it at once and for good, and no other',
    about: 'changes',
    hold: async (stage) => {
      const brief = await stage.bobs();
      using ending = await stage.follow({ token: brief.token });
      using other = await stage.follow();
      await stage.revoke(brief);
      const id = await stage.create({ titel: 'after', status: 'nieuw' });
      const { code, reconnect } = await endOf(ending);
      // Whoever had just been answered asks with what does not hold any more.
      const codes = stage.transport.asksAgain ? ['CREDENTIAL_ENDED', 'UNAUTHORIZED'] : ['CREDENTIAL_ENDED'];
      expect(codes).toContain(code);
      expect(reconnect).toBe(false);
      expect(ending.account.changes).toEqual([]);
      await untilTold(other, 1, id);
    },
  },
  {
    name: 'the end of what is followed is told',
    about: 'changes',
    hold: async (stage) => {
      const place = await stage.schema({ read: ['authenticated'] });
      using follower = await stage.follow({ place });
      await stage.town.admin.ask('DELETE', `/api/schemas/${place.id}`);
      const { code, reconnect } = await endOf(follower);
      expect(stage.transport.asksAgain ? ['GONE', 'NOT_FOUND'] : ['GONE']).toContain(code);
      expect(reconnect).toBe(false);
    },
  },
  {
    name: 'it goes on by another credential when the first one ends',
    about: 'changes',
    hold: async (stage) => {
      const [first, second] = [await stage.bobs(), await stage.bobs()];
      using follower = await stage.follow({ token: first.token });
      await follower.renew(second.token);
      await stage.revoke(first);
      const id = await stage.create({ titel: 'after', status: 'nieuw' });
      await untilTold(follower, 1, id);
      expect(follower.account).toMatchObject({ live: true, resyncs: [] });
      await stage.revoke(second);
      await endOf(follower);
    },
  },
  {
    name: 'that its credential will end is told before it does',
    about: 'streams',
    needs: 'expiry',
    hold: async (stage) => {
      const expiresAt = new Date(Date.now() + MINUTE_MS * 0.9).toISOString();
      const brief = await stage.bobs(expiresAt);
      using follower = await stage.follow({ token: brief.token });
      const { account } = follower;
      await waitFor(() => account.expiring.length > 0, { what: 'it is told', timeoutMs: 10_000 });
      expect(account.expiring).toEqual([expiresAt]);
    },
  },
  {
    name: 'an operator ends it for good',
    about: 'streams',
    hold: async (stage) => {
      using follower = await stage.follow();
      await endByOperator(stage, follower);
      expect(await endOf(follower)).toMatchObject({ code: 'CONNECTION_ENDED', reconnect: false });
    },
  },
  {
    name: 'the close code is that of the reason',
    about: 'streams',
    needs: 'close codes',
    hold: async (stage) => {
      const brief = await stage.bobs();
      using revoked = await stage.follow({ token: brief.token });
      using ended = await stage.follow();
      await stage.revoke(brief);
      await endByOperator(stage, ended);
      for (const follower of [revoked, ended]) {
        await waitFor(() => follower.account.end?.closeCode, { what: 'it is closed' });
      }
      const { closeCodeOf } = stage.transport;
      expect(revoked.account.end?.closeCode).toBe(closeCodeOf?.('CREDENTIAL_ENDED'));
      expect(ended.account.end?.closeCode).toBe(closeCodeOf?.('CONNECTION_ENDED'));
    },
  },
];

async function endByOperator({ town }: Stage, { connection }: Follower): Promise<void> {
  const answer = await town.admin.ask('DELETE', `/api/connections/${connection}`);
  expect(answer.status).toBe(204);
}

async function endOf({ account }: Follower): Promise<End> {
  return await waitFor(() => account.end, { what: 'it ends', timeoutMs: 10_000 });
}

/** The refusal, which a poll gets when it counts as a connection that lasts. */
async function refusalOf(asked: Promise<Follower>): Promise<Refusal> {
  using follower = await asked;
  const { account } = follower;
  return await waitFor(() => account.refusal, { what: 'it is refused', timeoutMs: 10_000 });
}
