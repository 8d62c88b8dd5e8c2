import { waitFor } from '@tidewire/test-kit';
import { expect } from 'vitest';
import type { Claim } from './transport-claim.ts';
import { toldOf, untilTold } from './transport-stage.ts';

/** What holds where one connection has several subscriptions. */
export const SEVERAL_CLAIMS: readonly Claim[] = [
  {
    name: 'several subscriptions of one connection are told apart, and end one by one',
    about: 'streams',
    needs: 'several subscriptions',
    hold: async (stage) => {
      using host = await stage.host();
      const second = await host.also({ place: stage.place, fields: ['titel'] });
      const id = await stage.create({ titel: 'a', status: 'nieuw' });
      const [wide, ...more] = await untilTold(host, 1, id);
      const [narrow, ...others] = await untilTold(second, 1, id);
      expect([wide?.fields, narrow?.fields]).toMatchObject([{ titel: 'a', status: 'nieuw' }, { titel: 'a' }]);
      expect(narrow?.fields).not.toHaveProperty('status');
      expect([more, others]).toEqual([[], []]);
      await second.leave();
      const next = await stage.create({ titel: 'b', status: 'nieuw' });
      await untilTold(host, 1, next);
      // What was to come before its beginning has come.
      await host.also({ place: stage.place });
      expect(toldOf(second, next)).toEqual([]);
      expect(toldOf(host, id, next)).toHaveLength(2);
    },
  },
  {
    name: 'a subscription that cannot be had is refused alone',
    about: 'streams',
    needs: 'several subscriptions',
    hold: async (stage) => {
      using host = await stage.host();
      const refused = await host.also({ place: stage.nowhere });
      expect(refused.account.refusal).toMatchObject({ status: 404, code: 'NOT_FOUND' });
      const filter = { field: 'prioriteit', operator: 'gt', value: 'many' } as const;
      const malformed = await host.also({ place: stage.place, filter });
      expect(malformed.account.refusal).toMatchObject({ status: 400, code: 'MALFORMED_FILTER' });
      const id = await stage.create({ titel: 'a', status: 'nieuw' });
      expect(await untilTold(host, 1, id)).toHaveLength(1);
      expect([refused.account.changes, malformed.account.changes]).toEqual([[], []]);
    },
  },
  {
    name: 'the end of one subscription is not that of its connection',
    about: 'streams',
    needs: 'several subscriptions',
    hold: async (stage) => {
      using host = await stage.host();
      const place = await stage.schema({ read: ['authenticated'] });
      const brief = await host.also({ place });
      expect(brief.account.live).toBe(true);
      await stage.town.admin.ask('DELETE', `/api/schemas/${place.id}`);
      const end = await waitFor(() => brief.account.end, { what: 'it ends', timeoutMs: 10_000 });
      expect(end).toMatchObject({ code: 'GONE', reconnect: false });
      const id = await stage.create({ titel: 'a', status: 'nieuw' });
      expect(await untilTold(host, 1, id)).toHaveLength(1);
    },
  },
  {
    name: 'each subscription goes on after a cursor of its own',
    about: 'streams',
    needs: 'several subscriptions',
    hold: async (stage) => {
      using host = await stage.host();
      const { cursor = '' } = host.account;
      const id = await stage.create({ titel: 'a', status: 'nieuw' });
      await untilTold(host, 1, id);
      const late = await host.also({ place: stage.place, cursor });
      expect(await untilTold(late, 1, id)).toMatchObject([{ event: 'insert', fields: { titel: 'a' } }]);
      // Only who begins with the next event is told where that is.
      expect(late.account.subscribed ?? {}).not.toHaveProperty('eventId');
      const next = await stage.create({ titel: 'b', status: 'nieuw' });
      await untilTold(host, 1, next);
      await untilTold(late, 1, next);
      expect([toldOf(host, id, next).length, toldOf(late, id, next).length]).toEqual([2, 2]);
    },
  },
];
