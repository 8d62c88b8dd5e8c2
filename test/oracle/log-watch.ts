import { connectBus, openLogReader, processClock, silentLogger } from '@tidewire/messaging';
import type { LogEntry, LogReader, MessageBus } from '@tidewire/messaging';
import type { Change, History } from './history.ts';
import type { Image, RightsKey, RightsValue, Rules, Schema } from './rights.ts';

/** What the log says that was not asked for by anybody, and what it repeats; for the comparison with what was. */
export interface LogTaker {
  readonly schemaOf: (id: string) => Schema | undefined;
  readonly onChange: (change: Change) => void;
  readonly onRights: (key: RightsKey, value: RightsValue) => void;
}

/** Reads the log beside the gateways, for its order: what was written when, and under which rights. */
export class LogWatch implements AsyncDisposable {
  readonly #bus: MessageBus;
  readonly #reader: LogReader;
  epoch = '';

  private constructor(bus: MessageBus, history: History, taker: LogTaker) {
    this.#bus = bus;
    this.#reader = openLogReader(bus, {
      from: { epoch: '00000000', sequence: 0 },
      clock: processClock,
      onReset: () => undefined,
      onEntry: (entry) => this.#take(entry, history, taker),
    });
  }

  /** `url`: the bus as a user that may read the log. */
  static async open(url: string, history: History, taker: LogTaker): Promise<LogWatch> {
    const bus = await connectBus({ url, user: 'fanout-gateway', logger: silentLogger });
    return new LogWatch(bus, history, taker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.close();
    await this.#bus.close();
  }

  #take(entry: LogEntry, history: History, taker: LogTaker): void {
    this.epoch = entry.epoch;
    const { message, sequence } = entry;
    if (message?.kind === 'object') {
      const schema = taker.schemaOf(message.schema.id);
      if (schema !== undefined) {
        const { action, uuid, version, actor, time, correlationId } = message;
        const before = message.before as Image | null;
        const after = message.after as Image | null;
        const change = { sequence, action, uuid, schema, version, before, after, actor, time, correlationId };
        history.add(change);
        taker.onChange(change);
      }
    } else if (message?.kind === 'rights') {
      const right = readRight(message.state);
      if (right !== undefined) {
        history.addRights({ sequence, ...right });
        taker.onRights(right.key, right.value);
      }
    }
    history.head = sequence;
  }
}

type State = Extract<NonNullable<LogEntry['message']>, { kind: 'rights' }>['state'];

function readRight(state: State): { key: RightsKey; value: RightsValue } | undefined {
  switch (state.kind) {
    case 'organisation':
      return { key: `organisation/${state.id}`, value: { id: state.id, parent: state.parent } };
    case 'principal': {
      const { id, name, admin, organisations, groups, activeOrganisation: active } = state;
      if (state.removed) return { key: `principal/${id}`, value: { id, removed: true } };
      return { key: `principal/${id}`, value: { id, name, admin, organisations, active, groups } };
    }
    case 'credential': {
      const { id, principal, scopes, endedAt } = state;
      const limits = scopes === null ? null : { ...scopes };
      return {
        key: `credential/${id}`,
        value: { id, principal, scopes: limits as never, ended: endedAt !== null },
      };
    }
    case 'policy': {
      const { id, authorization, properties, roles } = state;
      return {
        key: `policy/${id}`,
        value: { authorization: authorization as Rules | null, properties, roles } as never,
      };
    }
    default:
      return undefined;
  }
}
