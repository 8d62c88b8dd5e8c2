import { recordConflictSchema } from '@tidewire/contract';
import type { RecordConflict } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import type { SocketClient } from '@tidewire/test-kit';
import type { Person } from './people.ts';

/** What a client is editing. */
export interface Editing {
  readonly table: string;
  readonly recordId: string;
  readonly fields: readonly string[];
  readonly updatedAt: string;
}

const PATIENCE_MS = 30_000;

/** One connection of somebody who edits a record at a time and takes note of every conflict. */
export class Editor implements Disposable {
  readonly person: Person;
  readonly socket: SocketClient;
  #pings = 0;
  #refusals = 0;
  #editing: Editing | undefined;

  constructor(person: Person, socket: SocketClient) {
    this.person = person;
    this.socket = socket;
  }

  static async open(person: Person, gateway: string): Promise<Editor> {
    return new Editor(person, await person.connect(gateway));
  }

  /** Says what is being edited; answered only by {@link confirm}. */
  announce(editing: Editing): void {
    this.#editing = editing;
    this.socket.send({ type: 'pending', ...editing });
  }

  /** Waits until the server follows what was announced; while it is behind the log it wants to be told again. */
  async confirm(): Promise<void> {
    for (;;) {
      await this.ping();
      const refusals = this.socket.of('error');
      const last = refusals.at(-1);
      if (refusals.length === this.#refusals) return;
      this.#refusals = refusals.length;
      if (last?.['code'] !== 'SERVICE_UNAVAILABLE' || last['detail'] !== undefined) {
        throw new Error(`${this.person.name} was refused: ${JSON.stringify(last)}`);
      }
      if (this.#editing !== undefined) this.announce(this.#editing);
    }
  }

  /** Everything that was sent before the answer has arrived after this. */
  async ping(): Promise<void> {
    this.#pings += 1;
    this.socket.send({ type: 'ping' });
    await waitFor(() => this.socket.of('pong').length >= this.#pings, {
      what: `${this.person.name} gets a pong`,
      timeoutMs: PATIENCE_MS,
    });
  }

  settle({ table, recordId }: Pick<Editing, 'table' | 'recordId'>): void {
    this.#editing = undefined;
    this.socket.send({ type: 'settled', table, recordId });
  }

  /** The conflicts of a record so far, as the contract has them. */
  conflictsOf(recordId: string): RecordConflict[] {
    return this.socket
      .of('conflict')
      .filter((message) => message['recordId'] === recordId)
      .map((message) => recordConflictSchema.parse(message));
  }

  /** Waits for so many conflicts of a record and returns all that came. */
  async untilConflicts(recordId: string, count: number): Promise<RecordConflict[]> {
    await waitFor(() => this.conflictsOf(recordId).length >= count, {
      what: `${this.person.name} gets conflict ${count} of ${recordId}`,
      timeoutMs: PATIENCE_MS,
    });
    return this.conflictsOf(recordId);
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }
}
