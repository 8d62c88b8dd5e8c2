import assert from 'node:assert/strict';
import { SOMEBODY } from '@tidewire/contract';
import type { Platform } from '@tidewire/test-kit';
import type { Editor } from './editor.ts';
import type { Person } from './people.ts';

/** How the first one writes; the other one always sends a PATCH of the table. `sql` is a third one, whom nobody knows. */
type Way = 'patch' | 'batch' | 'register' | 'sql';

/** One way in which an edit and a write of somebody else can meet. */
export interface RaceVariant {
  readonly name: string;
  readonly way: Way;
  readonly gateways: 1 | 2;
  /** When edits are announced: before the writes, in the same moment, or once they are done. */
  readonly announced: 'before' | 'meanwhile' | 'after';
  /** Whether the other one edits another field of the record. */
  readonly apart: boolean;
  /** Whether the onlooker may read `note` on this record. */
  readonly open: boolean;
}

/** The table of the races: `note` can be read by `handlers`, and by everybody on records that are open. */
export interface RaceTable {
  readonly slug: string;
  /** `{register}/{schema}`. */
  readonly collection: string;
}

export interface RaceParties {
  readonly platform: Platform;
  readonly table: RaceTable;
  readonly one: Editor;
  readonly other: Editor;
  /** Edits every field, and may read `note` on open records only. */
  readonly onlooker: Editor;
  /** Makes a last write, which everybody is told of. */
  readonly marker: Person;
}

interface Row {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly updatedAt: string;
}

/** A write that may lose: whose it is, which fields it sets, and whether it was made. */
interface Contender {
  readonly by: Person | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly write: () => Promise<boolean>;
}

/** Words of which those who may not read them never hear one. */
export const HIDDEN_WORD = 'hidden';
export const SHOWN_WORD = 'shown';

/**
 * Two edits of one record that race, and what each of three connections is told: after every write all of its conflicts are
 * compared, so that one too many shows at the next, and the last write shows that nothing is still on its way.
 */
export class EditRace {
  readonly #parties: RaceParties;
  readonly #variant: RaceVariant;
  readonly #round: number;
  readonly #expected = new Map<Editor, unknown[]>();
  #record: Row = { id: '', fields: {}, updatedAt: '' };

  constructor(parties: RaceParties, variant: RaceVariant, round: number) {
    this.#parties = parties;
    this.#variant = variant;
    this.#round = round;
  }

  /** Throws where anything else than what the protocol promises was answered or told. Returns how many conflicts were. */
  async run(): Promise<ReadonlyMap<Editor, number>> {
    const { one, other, onlooker, marker, table } = this.#parties;
    const { announced, apart, open } = this.#variant;
    const fields = { note: this.#word('start'), title: 'start', open };
    this.#record = await marker.api.send<Row>('POST', this.#path(), { fields });
    const editors = [one, other, onlooker];
    for (const editor of editors) this.#expected.set(editor, []);
    if (announced === 'before') await this.#announce();
    const winner = await this.#write(this.#contenders(), announced === 'meanwhile');
    if (announced === 'after') await this.#announce();
    else await Promise.all(editors.map((editor) => editor.confirm()));
    await this.#compare(winner.by, Object.keys(winner.fields));
    assert.deepEqual(this.#record.fields, { ...fields, ...winner.fields });
    if (!apart) await this.#writeAgain([one, other].find(({ person }) => person !== winner.by) ?? other);
    const last = { note: this.#word('last'), title: 'last' };
    await marker.api.send('PATCH', this.#path(this.#record.id), { fields: last });
    await this.#compare(marker, Object.keys(last));
    for (const editor of editors) editor.settle({ table: table.slug, recordId: this.#record.id });
    return new Map([...this.#expected].map(([editor, told]) => [editor, told.length]));
  }

  #word(what: string): string {
    return `${this.#variant.open ? SHOWN_WORD : HIDDEN_WORD} ${what} ${this.#round}`;
  }

  #path(id?: string): string {
    const path = `/api/tables/${this.#parties.table.slug}/records`;
    return id === undefined ? path : `${path}/${id}`;
  }

  #fieldsOf(editor: Editor): readonly string[] {
    const { other, onlooker } = this.#parties;
    if (editor === onlooker) return ['title', 'note'];
    return editor === other && this.#variant.apart ? ['title'] : ['note'];
  }

  #say(): void {
    const { one, other, onlooker, table } = this.#parties;
    const { id: recordId, updatedAt } = this.#record;
    for (const editor of [one, other, onlooker]) {
      editor.announce({ table: table.slug, recordId, fields: this.#fieldsOf(editor), updatedAt });
    }
  }

  async #announce(): Promise<void> {
    this.#say();
    await Promise.all([...this.#expected.keys()].map((editor) => editor.confirm()));
  }

  #contenders(): Contender[] {
    const { one, other } = this.#parties;
    const { way, apart } = this.#variant;
    const others = apart ? { title: `other ${this.#round}` } : { note: this.#word('other') };
    const contenders = [
      this.#contender(one.person, way === 'sql' ? 'patch' : way, { note: this.#word('one') }),
      this.#contender(other.person, 'patch', others),
      ...(way === 'sql' ? [this.#contender(undefined, 'sql', { note: this.#word('sql') })] : []),
    ];
    // Whoever is asked first wins more often.
    const first = this.#round % contenders.length;
    return [...contenders.slice(first), ...contenders.slice(0, first)];
  }

  #contender(by: Person | undefined, way: Way, fields: Readonly<Record<string, string>>): Contender {
    return { by, fields, write: () => this.#writeOnce(by, way, fields) };
  }

  /** Writes with the token that was read; false: somebody else had written. */
  async #writeOnce(by: Person | undefined, way: Way, fields: Contender['fields']): Promise<boolean> {
    const { id, updatedAt } = this.#record;
    if (by === undefined) return await this.#writeBySql(fields);
    if (way === 'batch') {
      const body = { records: [{ id, fields, updatedAt }] };
      return isWritten(await by.api.ask('PATCH', this.#path('batch'), body), 409);
    }
    if (way === 'register') {
      const path = `/api/objects/${this.#parties.table.collection}/${id}`;
      return isWritten(await by.api.ask('PATCH', path, fields, { 'if-match': '"1"' }), 412);
    }
    return isWritten(await by.api.ask('PATCH', this.#path(id), { fields, updatedAt }), 409);
  }

  async #writeBySql(fields: Contender['fields']): Promise<boolean> {
    const rows = await this.#parties.platform.sql(
      `update records.objects set properties = properties || $1::jsonb
       where uuid = $2 and updated = $3::timestamptz returning uuid`,
      [JSON.stringify(fields), this.#record.id, this.#record.updatedAt],
    );
    return rows.length > 0;
  }

  /** All at once; the one that was made. */
  async #write(contenders: readonly Contender[], announce: boolean): Promise<Contender> {
    const saysFirst = this.#round % 2 === 0;
    if (announce && saysFirst) this.#say();
    const writing = contenders.map(({ write }) => write());
    if (announce && !saysFirst) this.#say();
    const written = await Promise.all(writing);
    const [winner, ...others] = contenders.filter((_, index) => written[index]);
    assert.equal(others.length, 0, 'only one of them writes');
    if (winner === undefined) throw new Error('none of them writes');
    return winner;
  }

  /** Keeps the edit that lost, and saves it with what the conflict said. */
  async #writeAgain(loser: Editor): Promise<void> {
    const { table } = this.#parties;
    const conflict = loser.conflictsOf(this.#record.id).at(-1);
    const recordId = this.#record.id;
    const updatedAt = conflict?.updatedAt ?? '';
    loser.announce({ table: table.slug, recordId, fields: this.#fieldsOf(loser), updatedAt });
    await loser.confirm();
    const fields = { note: this.#word('again') };
    const answer = await loser.person.api.ask('PATCH', this.#path(recordId), { fields, updatedAt });
    assert.equal(answer.status, 200, `the loser saves: ${JSON.stringify(answer.body)}`);
    await this.#compare(loser.person, ['note']);
  }

  /** Everybody else who edits one of the fields, and may read it, is told of the write; nobody of anything more. */
  async #compare(by: Person | undefined, written: readonly string[]): Promise<void> {
    this.#record = await this.#parties.marker.api.send<Row>('GET', this.#path(this.#record.id));
    const { id, fields, updatedAt } = this.#record;
    for (const [editor, told] of this.#expected) {
      const hides = editor === this.#parties.onlooker && !this.#variant.open;
      const { note: _note, ...rest } = fields;
      const overwritten = this.#fieldsOf(editor).filter(
        (field) => written.includes(field) && !(hides && field === 'note'),
      );
      if (editor.person !== by && overwritten.length > 0) {
        told.push({
          table: this.#parties.table.slug,
          overwrittenFields: overwritten.toSorted(),
          overwrittenBy: by === undefined ? SOMEBODY : { id: by.id, name: by.name },
          authoritativeRecord: { id, fields: hides ? rest : fields },
          updatedAt,
        });
      }
      const conflicts = await editor.untilConflicts(id, told.length);
      const seen = conflicts.map(({ table, overwrittenFields, overwrittenBy, ...conflict }) => ({
        table,
        overwrittenFields: overwrittenFields.toSorted(),
        overwrittenBy,
        authoritativeRecord: conflict.authoritativeRecord,
        updatedAt: conflict.updatedAt,
      }));
      const where = `${editor.person.name} in race ${this.#round}, ${this.#variant.name}`;
      assert.deepEqual({ where, told: seen }, { where, told });
    }
  }
}

function isWritten({ status, body }: { status: number; body: unknown }, refusal: number): boolean {
  if (status === 200) return true;
  assert.equal(status, refusal, JSON.stringify(body));
  return false;
}
