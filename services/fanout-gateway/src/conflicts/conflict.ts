import { SOMEBODY, formatEventId } from '@tidewire/contract';
import type { ObjectImage, ObjectMessage, RecordConflict, TableActor } from '@tidewire/contract';
import { hasField, intersectMasks, isVisibleAt, seesActor, visibleFields } from '@tidewire/policy';
import type { FieldMask, Granted, RightsView } from '@tidewire/policy';
import { decideRead, identify } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Edit } from './pending-edit.ts';
import type { RecordWrite } from './record-write.ts';

/** An edit, and what became of its record since it was read. */
export interface ConflictQuestion {
  readonly edit: Pick<Edit, 'peer' | 'schemaId' | 'recordId' | 'fields'>;
  /** Writes of the record later than what was read, in the order of the log; not necessarily all of them. */
  readonly writes: readonly RecordWrite[];
  /** The last write of the record: its image is the record as it is now. */
  readonly newest: RecordWrite;
  /** Whether there was at least one more before these, which is not known. */
  readonly gap: boolean;
  readonly view: RightsView;
  /** Wall-clock milliseconds that rules on the time are judged at. */
  readonly nowMs: number;
}

/**
 * What somebody else overwrote of an edit, as the reader may see it now; undefined: nothing that it may hear of. A field
 * counts where it may be read before the write, after it and on the newest image: exactly where a change would show it.
 * After a gap every field that is being edited and may be read counts, because any of them may have been overwritten.
 */
export function findConflict(question: ConflictQuestion): RecordConflict | undefined {
  const { edit, writes, newest, gap, view, nowMs } = question;
  const image = newest.entry.message.after;
  // Deletions are told by changes.
  if (image === null) return undefined;
  const { reader } = edit.peer;
  const suspects = writes.filter(
    (write) => isForeign(write.entry.message, reader) && edit.fields.some((field) => write.differs(field)),
  );
  if (suspects.length === 0 && !gap) return undefined;
  const decision = decideRead(view, reader, edit.schemaId);
  if (!decision.allowed) return undefined;
  const shown = readableOn(decision, image, nowMs);
  if (shown === undefined) return undefined;
  const { fields, last } = collectOverwritten({ decision, nowMs, shown }, edit.fields, suspects);
  const overwritten = edit.fields.filter((field) => (gap ? isIn(decision, shown, field) : fields.has(field)));
  if (overwritten.length === 0) return undefined;
  const { message } = (last ?? newest).entry;
  return {
    type: 'conflict',
    table: view.schema(edit.schemaId)?.table ?? '',
    recordId: edit.recordId,
    overwrittenFields: overwritten,
    overwrittenBy: last === undefined ? { ...SOMEBODY } : describeActor(view, reader, message),
    authoritativeRecord: { id: edit.recordId, fields: project(decision, image, shown) },
    updatedAt: image._updated,
    eventId: formatEventId((last ?? newest).entry),
    timestamp: message.time,
  };
}

/** Who wrote without saying so, in plain SQL, is somebody else. */
function isForeign({ actor }: ObjectMessage, { principalId }: Reader): boolean {
  return actor === null || actor.id !== principalId;
}

interface Judging {
  readonly decision: Granted;
  readonly nowMs: number;
  /** What may be read on the newest image: no other field is named. */
  readonly shown: FieldMask;
}

/** The fields that writes overwrote visibly, and the last one that did. */
function collectOverwritten(
  { decision, nowMs, shown }: Judging,
  fields: readonly string[],
  suspects: readonly RecordWrite[],
): { readonly fields: ReadonlySet<string>; readonly last: RecordWrite | undefined } {
  const overwritten = new Set<string>();
  let last: RecordWrite | undefined;
  for (const write of suspects) {
    const { before, after } = write.entry.message;
    const older = before === null ? undefined : readableOn(decision, before, nowMs);
    const newer = after === null ? undefined : readableOn(decision, after, nowMs);
    if (older === undefined || newer === undefined) continue;
    const mask = intersectMasks(intersectMasks(older, newer), shown);
    const hit = fields.filter((field) => write.differs(field) && isIn(decision, mask, field));
    if (hit.length === 0) continue;
    for (const field of hit) overwritten.add(field);
    last = write;
  }
  return { fields: overwritten, last };
}

/** The properties that the reader may read on an image, its own rows included; undefined: it does not see it. */
function readableOn(decision: Granted, image: ObjectImage, nowMs: number): FieldMask | undefined {
  return isVisibleAt(decision, image, nowMs) ? visibleFields(decision, image, nowMs) : undefined;
}

function isIn({ reads }: Granted, mask: FieldMask, field: string): boolean {
  const index = reads.names.indexOf(field);
  return index !== -1 && hasField(mask, index);
}

/** Without a prototype: a property may have any name. */
function project({ reads }: Granted, image: ObjectImage, mask: FieldMask): Record<string, unknown> {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const [index, name] of reads.names.entries()) {
    if (hasField(mask, index) && Object.hasOwn(image, name)) fields[name] = image[name];
  }
  return fields;
}

/** Who made a change is told inside an organisation only. */
function describeActor(view: RightsView, reader: Reader, { actor }: ObjectMessage): TableActor {
  const principal = identify(view, reader)?.principal ?? null;
  if (actor === null || !seesActor(principal, actor)) return { ...SOMEBODY };
  return { id: actor.id, name: actor.name };
}
