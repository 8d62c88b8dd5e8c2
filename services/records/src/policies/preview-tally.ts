import { PREVIEW_LIMITS } from '@tidewire/contract';
import type { PrincipalPreview } from '@tidewire/contract';
import type { DifferingRow, PropertyComparison, RowCounts } from './preview-source.ts';

/** What one comparison found, and whom it is about. */
export interface Finding {
  readonly principals: readonly (string | null)[];
  readonly properties: readonly PropertyComparison[];
  readonly counts: readonly RowCounts[];
  /** In the order of their uuids. */
  readonly rows: readonly DifferingRow[];
}

interface Side {
  rows: number;
  readonly sample: { readonly table: string; readonly uuid: string }[];
  readonly properties: Set<string>;
}

interface Tally {
  readonly gains: Side;
  readonly loses: Side;
}

/** Adds up, per principal, what comparisons of schemas found. */
export class PreviewTally {
  readonly #tallies = new Map<string | null, Tally>();
  readonly #skipped = new Set<string | null>();

  /** Nothing is known about these. */
  skip(principals: readonly (string | null)[]): void {
    for (const id of principals) this.#skipped.add(id);
  }

  add(table: string, finding: Finding): void {
    const gains = sideOf(finding, 'gain');
    const loses = sideOf(finding, 'lose');
    for (const id of finding.principals) {
      const tally = this.#tallies.get(id) ?? { gains: emptySide(), loses: emptySide() };
      this.#tallies.set(id, tally);
      addSide(tally.gains, table, gains(id));
      addSide(tally.loses, table, loses(id));
    }
  }

  previewOf(id: string | null): PrincipalPreview | 'unchanged' | 'skipped' {
    if (this.#skipped.has(id)) return 'skipped';
    const tally = this.#tallies.get(id);
    if (tally === undefined || (isEmpty(tally.gains) && isEmpty(tally.loses))) return 'unchanged';
    const { gains, loses } = tally;
    return {
      principal: id,
      gains: { rows: gains.rows, sample: gains.sample },
      loses: { rows: loses.rows, sample: loses.sample },
      properties: { gains: [...gains.properties].sort(), loses: [...loses.properties].sort() },
    };
  }
}

interface Share {
  readonly rows: number;
  readonly uuids: readonly string[];
  readonly properties: readonly string[];
}

/** What of a finding is one principal's: all of the rows, but of its own rows what the owner sees of them. */
function sideOf(finding: Finding, side: 'gain' | 'lose'): (id: string | null) => Share {
  const [shared, own] = side === 'gain' ? (['gains', 'ownGains'] as const) : (['loses', 'ownLoses'] as const);
  const [flags, ownFlags] =
    side === 'gain' ? (['gained', 'ownGained'] as const) : (['lost', 'ownLost'] as const);
  const ownRow = side === 'gain' ? 'ownGain' : 'ownLose';
  const counts = new Map(finding.counts.map((count) => [count.owner, count]));
  const total = finding.counts.reduce((sum, count) => sum + count[shared], 0);
  const rows = finding.rows.filter((row) => row[side]);
  const ownRows = Map.groupBy(
    finding.rows.filter((row) => row[ownRow]),
    ({ owner }) => owner,
  );
  return (id) => {
    const mine = id === null ? undefined : counts.get(id);
    const others = firstOf(rows, (row) => row.owner === null || row.owner !== id);
    const owned = mine === undefined ? [] : (ownRows.get(id) ?? []).map(({ uuid }) => uuid);
    const properties = finding.properties
      .filter((_, index) =>
        finding.counts.some((count) => (count === mine ? count[ownFlags] : count[flags])[index] === true),
      )
      .map(({ name }) => name);
    return {
      rows: total - (mine?.[shared] ?? 0) + (mine?.[own] ?? 0),
      uuids: [...others, ...owned].sort().slice(0, PREVIEW_LIMITS.sample),
      properties,
    };
  };
}

function firstOf(rows: readonly DifferingRow[], wanted: (row: DifferingRow) => boolean): string[] {
  const uuids: string[] = [];
  for (const row of rows) {
    if (uuids.length === PREVIEW_LIMITS.sample) break;
    if (wanted(row)) uuids.push(row.uuid);
  }
  return uuids;
}

function emptySide(): Side {
  return { rows: 0, sample: [], properties: new Set() };
}

function isEmpty(side: Side): boolean {
  return side.rows === 0 && side.properties.size === 0;
}

function addSide(side: Side, table: string, share: Share): void {
  side.rows += share.rows;
  const room = PREVIEW_LIMITS.sample - side.sample.length;
  side.sample.push(...share.uuids.slice(0, room).map((uuid) => ({ table, uuid })));
  for (const name of share.properties) side.properties.add(name);
}
