import { sequenceOf } from './subscriber.ts';
import type { SocketMessage } from '@tidewire/test-kit';
import { waitFor } from '@tidewire/test-kit';
import { knowsActor, projected, readableProperties } from './evaluator.ts';
import type { Question } from './evaluator.ts';
import { sameJson } from './expectation.ts';
import { Finding } from './finding.ts';
import type { Change } from './history.ts';
import type { Random } from './random.ts';
import type { Image, Schema } from './rights.ts';
import type { Ticket } from './tickets.ts';
import type { SharedSocket } from './transports/shared-socket.ts';
import type { World } from './world.ts';

/** What a client is editing and said so. */
interface Edit {
  readonly socket: SharedSocket;
  readonly schema: Schema;
  readonly recordId: string;
  readonly fields: readonly string[];
  /** `_updated` of the row that its client read. */
  readonly readAt: string;
  /** The place in the log from which it was followed; undefined: nobody said yet that it is. */
  since: number | undefined;
  /** The newest write that a conflict named. */
  told: number;
  isOver: boolean;
}

interface Conflict {
  readonly edit: Edit;
  readonly tickets: readonly Ticket[];
  readonly message: ConflictMessage;
}

interface ConflictMessage {
  readonly table: string;
  readonly recordId: string;
  readonly overwrittenFields: readonly string[];
  readonly overwrittenBy: { readonly id: string; readonly name: string };
  readonly authoritativeRecord: { readonly id: string; readonly fields: Image };
  readonly updatedAt: string;
  readonly eventId: string;
  readonly timestamp: string;
}

const SOMEBODY = { id: '', name: 'Another user' };
/** Longer than a gateway may look for what was missed before it says that it does not know. */
const PATIENCE_MS = 40_000;
const MOST_FIELDS = 3;
/** Records. */
const AT_ONCE = 4;

/** What clients are editing, and what they are told when somebody else overwrites it. */
export class Edits {
  /** Conflicts that were told. */
  conflicts = 0;
  readonly #world: World;
  #edits: Edit[] = [];
  #told: Conflict[] = [];
  #judged = 0;

  constructor(world: World) {
    this.#world = world;
    world.sockets.listeners.push((socket, message) => this.#take(socket, message));
  }

  /** Some client begins to edit a record, or has done with one. */
  async step(random: Random): Promise<string> {
    const { sockets, model } = this.#world;
    const open = sockets.all();
    if (open.length === 0) return 'nobody edits';
    const socket = random.pick(open);
    const mine = this.#edits.filter((one) => one.socket === socket && !one.isOver);
    const { principal } = socket.ticket;
    if (mine.length > 0 && random.chance(0.3)) {
      const edit = random.pick(mine);
      await socket.say({ type: 'settled', table: edit.schema.table, recordId: edit.recordId });
      edit.isOver = true;
      return `${principal} settles ${edit.recordId}`;
    }
    const schema = this.#world.aSchema(random);
    const rows = [...model.images].filter(([, row]) => row.schema === schema);
    const chosen = new Map(rows.length === 0 ? [] : Array.from({ length: AT_ONCE }, () => random.pick(rows)));
    const focus = this.#world.focusOf(schema);
    for (const [recordId, { image }] of chosen) {
      const some = random.some([...schema.properties.keys()], 0.4);
      const fields = [...new Set([...focus.deciding, ...focus.filtered, ...some, 'status'])].slice(
        0,
        MOST_FIELDS,
      );
      const before = mine.find((one) => one.recordId === recordId);
      await this.#begin({ socket, schema, recordId, fields, readAt: String(image['_updated']) }, before);
    }
    return `${principal} edits ${[...chosen.keys()].join(' ')}`;
  }

  async #begin(
    begun: Pick<Edit, 'socket' | 'schema' | 'recordId' | 'fields' | 'readAt'>,
    before?: Edit,
  ): Promise<void> {
    const { socket, schema, recordId, fields, readAt } = begun;
    const edit: Edit = { ...begun, since: undefined, told: 0, isOver: false };
    this.#edits.push(edit);
    const since = this.#world.history.head;
    const pending = { type: 'pending', table: schema.table, recordId, fields, updatedAt: readAt };
    const errors = await socket.say(pending);
    if (errors?.length === 0) {
      edit.since = since;
      if (before !== undefined) before.isOver = true;
    } else edit.isOver = true;
  }

  /** Waits until all were told of what was overwritten. */
  async settle(position: number): Promise<void> {
    await waitFor(() => this.#findUntold(position) === undefined, {
      what: 'everybody is told of what was overwritten',
      timeoutMs: PATIENCE_MS,
    }).catch(() => {
      const untold = this.#findUntold(position);
      if (untold === undefined) return;
      const { edit, change } = untold;
      const { history } = this.#world;
      throw new Finding('loss', `${edit.socket.ticket.principal} was not told what was overwritten`, {
        change,
        fields: edit.fields,
        readAt: edit.readAt,
        since: edit.since,
        told: edit.told,
        rights: this.#questions(edit, edit.socket.tickets, {
          from: change.sequence,
          position,
          moments: [Date.now()],
        }).map(({ rights, asker }) => [
          asker,
          rights.principals.get(asker.principal ?? ''),
          rights.credentials.get(asker.credential ?? ''),
          rights.policies.get(edit.schema.id),
          rights.policies.get(edit.schema.registerId),
        ]),
        row: history.of(edit.recordId).map(({ sequence, after }) => [sequence, after]),
        gateway: edit.socket.options.base,
      });
    });
  }

  /** Judges every conflict that was told since the last time. */
  judge(position: number, moments: readonly number[]): void {
    for (const conflict of this.#told) this.#judgeOne(conflict, position, moments);
    this.conflicts += this.#told.length;
    this.#told = [];
    this.#edits = this.#edits.filter(({ socket, isOver }) => !isOver && !socket.isOver);
    this.#judged = position;
  }

  #take(socket: SharedSocket, message: SocketMessage): void {
    const mine = this.#edits.filter((one) => one.socket === socket);
    if (message.type === 'error') {
      const dropped = (message['detail'] as readonly { readonly message: string }[] | undefined)?.[0]
        ?.message;
      for (const edit of mine) if (edit.recordId === dropped) edit.isOver = true;
      return;
    }
    if (message.type !== 'conflict') return;
    const conflict = message as unknown as ConflictMessage;
    // The newest: it has replaced others of the record.
    const edits = mine.filter((one) => one.recordId === conflict.recordId);
    const fits = ({ fields }: Edit): boolean =>
      conflict.overwrittenFields.every((name) => fields.includes(name));
    const edit = edits.findLast(fits) ?? edits.at(-1);
    if (edit === undefined) {
      const { principal } = socket.ticket;
      const finding = new Finding('leak', `${principal} is told of a conflict without an edit`, { message });
      socket.options.onFinding(finding);
      return;
    }
    edit.told = Math.max(edit.told, sequenceOf(conflict.eventId));
    this.#told.push({ edit, tickets: socket.tickets, message: conflict });
  }

  #judgeOne({ edit, tickets, message }: Conflict, position: number, moments: readonly number[]): void {
    const { history } = this.#world;
    const sequence = sequenceOf(message.eventId);
    const change = history.at(sequence);
    const who = tickets.at(-1)?.principal ?? '';
    const context = { message, fields: edit.fields, readAt: edit.readAt, change };
    if (change?.uuid !== edit.recordId || change.schema !== edit.schema || !isLater(change, edit)) {
      throw new Finding('wrong-message', `${who} was told of a conflict with a write that is none`, context);
    }
    const row = history.of(edit.recordId).filter((one) => one.sequence <= position);
    const later = row.filter((one) => one.sequence >= sequence);
    const questions = this.#questions(edit, tickets, { from: sequence, position, moments });
    let isReadable = false;
    for (const question of questions) {
      for (const { after, sequence: upTo } of later) {
        const fields = after === null ? undefined : fieldsOf(projected(question, after));
        if (after === null || fields === undefined) continue;
        if (!sameJson(fields, message.authoritativeRecord.fields)) continue;
        isReadable = true;
        const hits = (one: Change): readonly string[] => hitsOf(question, edit, one, after);
        const known = row.filter((one) => isLater(one, edit) && one.sequence <= Math.min(sequence, upTo));
        const possible = new Set(known.flatMap(hits));
        const own = hits(change);
        const { overwrittenFields: told } = message;
        const isRight =
          own.length > 0 &&
          own.every((name) => told.includes(name)) &&
          told.every((name) => possible.has(name)) &&
          sameJson(message.overwrittenBy, authorOf(question, change)) &&
          message.updatedAt === after['_updated'] &&
          message.timestamp === change.time &&
          message.table === edit.schema.table;
        if (isRight) return;
      }
    }
    throw new Finding(isReadable ? 'wrong-message' : 'leak', `${who} was told wrongly of a conflict`, {
      ...context,
      later: later.map(({ sequence: at, after }) => [at, after]),
      may: questions.map((question) => later.map(({ after }) => after && projected(question, after))),
    });
  }

  /** Everything that the rights may have been between a place and the judgement. */
  #questions(
    { schema }: Edit,
    tickets: readonly Ticket[],
    { from, position, moments }: { from: number; position: number; moments: readonly number[] },
  ): Question[] {
    return tickets.flatMap(({ principal, credential }) =>
      this.#world.history
        .rightsWithin(from, position + 1)
        .flatMap((rights) =>
          moments.map((now) => ({ rights, schema, now, asker: { principal, credential } })),
        ),
    );
  }

  /** A write that an edit must have been told of: rights were the same since, and the row was always in sight. */
  #findUntold(position: number): { readonly edit: Edit; readonly change: Change } | undefined {
    const { history } = this.#world;
    for (const edit of this.#edits) {
      const { socket, since, isOver } = edit;
      if (isOver || since === undefined || socket.isOver || socket.tickets.length > 1) continue;
      const after = Math.max(since, this.#judged, edit.told);
      const row = history.of(edit.recordId).filter((one) => one.sequence > after && one.sequence <= position);
      const change = row.find((one, index) => {
        const moments = [Date.now()];
        const questions = this.#questions(edit, socket.tickets, { from: one.sequence, position, moments });
        const [question] = questions;
        if (question === undefined || questions.length > 1 || !isLater(one, edit)) return false;
        return row
          .slice(index)
          .every(({ after: image }) => image !== null && hitsOf(question, edit, one, image).length > 0);
      });
      if (change !== undefined) return { edit, change };
    }
    return undefined;
  }
}

function isLater({ after }: Change, { readAt }: Edit): boolean {
  return after !== null && Date.parse(String(after['_updated'])) > Date.parse(readAt);
}

/** The fields of an edit that somebody else's write changed, where its reader may see that. */
function hitsOf(question: Question, edit: Edit, change: Change, newest: Image): readonly string[] {
  const { action, before, after, actor } = change;
  if (action !== 'updated' || before === null || after === null) return [];
  if (actor !== null && actor.id === question.asker.principal) return [];
  const images = [before, after, newest];
  if (images.some((image) => projected(question, image) === undefined)) return [];
  const readable = images.map((image) => readableProperties(question, image));
  return edit.fields.filter(
    (name) =>
      !sameJson(valueOf(before, name), valueOf(after, name)) && readable.every((names) => names.has(name)),
  );
}

function valueOf(row: Image, name: string): unknown {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

function authorOf(question: Question, { actor }: Change): { readonly id: string; readonly name: string } {
  if (actor === null || !knowsActor(question, actor.organisation)) return SOMEBODY;
  return { id: actor.id, name: actor.name };
}

function fieldsOf(row: Image | undefined): Image | undefined {
  if (row === undefined) return undefined;
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'id' && !name.startsWith('_')));
}
