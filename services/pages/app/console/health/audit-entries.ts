import type { AuditEntry } from '@tidewire/contract';

/** So many of the newest entries are kept. */
export const KEPT_ENTRIES = 200;

/** The entries after one more has come, the newest first, each once. Their numbers are their order. */
export function addEntry(entries: readonly AuditEntry[], entry: AuditEntry): readonly AuditEntry[] {
  if (entries.some(({ id }) => id === entry.id)) return entries;
  return [entry, ...entries].toSorted((one, other) => other.number - one.number).slice(0, KEPT_ENTRIES);
}

/** What changed of a state: every member that is not the same before and after, in the order of their names. */
export function changedMembers({ before, after }: Pick<AuditEntry, 'before' | 'after'>): readonly {
  readonly name: string;
  readonly old: unknown;
  readonly new: unknown;
}[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names]
    .map((name) => ({ name, old: before?.[name], new: after?.[name] }))
    .filter((member) => JSON.stringify(member.old) !== JSON.stringify(member.new))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
