import type { Peer } from '../transports/peer.ts';
import type { Edit } from './pending-edit.ts';

/** The edits that are followed, found by their record for events and by their connection for its messages. */
export class EditIndex {
  /** By uuid alone, so that an event costs one look-up: the same uuid in another schema is another record. */
  readonly #byRecord = new Map<string, Set<Edit>>();
  /** By id of the connection. */
  readonly #byPeer = new Map<string, Set<Edit>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The edits of records with this uuid; undefined when there are none. */
  ofRecord(uuid: string): ReadonlySet<Edit> | undefined {
    return this.#byRecord.get(uuid);
  }

  /** The edits of a connection. */
  ofPeer(peer: Peer): ReadonlySet<Edit> {
    return this.#byPeer.get(peer.id) ?? NONE;
  }

  *all(): Iterable<Edit> {
    for (const edits of this.#byPeer.values()) yield* edits;
  }

  /** What the connection is editing of a record. */
  find(peer: Peer, schemaId: string, recordId: string): Edit | undefined {
    for (const edit of this.ofPeer(peer)) {
      if (edit.recordId === recordId && edit.schemaId === schemaId) return edit;
    }
    return undefined;
  }

  add(edit: Edit): void {
    put(this.#byRecord, edit.recordId, edit);
    put(this.#byPeer, edit.peer.id, edit);
    this.#size += 1;
  }

  /** Forgets an edit; a second time does nothing. */
  remove(edit: Edit): void {
    if (edit.over) return;
    edit.over = true;
    take(this.#byRecord, edit.recordId, edit);
    take(this.#byPeer, edit.peer.id, edit);
    this.#size -= 1;
  }
}

const NONE: ReadonlySet<Edit> = new Set();

function put(index: Map<string, Set<Edit>>, key: string, edit: Edit): void {
  const edits = index.get(key);
  if (edits === undefined) index.set(key, new Set([edit]));
  else edits.add(edit);
}

function take(index: Map<string, Set<Edit>>, key: string, edit: Edit): void {
  const edits = index.get(key);
  edits?.delete(edit);
  if (edits?.size === 0) index.delete(key);
}
