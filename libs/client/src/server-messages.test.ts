import type * as contract from '@tidewire/contract';
import { expectTypeOf, test } from 'vitest';
import type { CloudEvent, EventData, PresentUser, Resync } from './server-messages.ts';

test('what the contract says is what apps are told: the same members, with values that fit', () => {
  expectTypeOf<contract.CloudEvent>().toExtend<CloudEvent>();
  expectTypeOf<keyof contract.CloudEvent>().toEqualTypeOf<keyof CloudEvent>();
  expectTypeOf<contract.EventData>().toExtend<EventData>();
  expectTypeOf<keyof contract.EventData>().toEqualTypeOf<keyof EventData>();
  expectTypeOf<contract.PresentUser>().toExtend<PresentUser>();
  expectTypeOf<keyof contract.PresentUser>().toEqualTypeOf<keyof PresentUser>();
  expectTypeOf<Pick<contract.Resync, keyof Resync>>().toExtend<Resync>();
});
