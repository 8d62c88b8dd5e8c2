/** What the oracle can find. `leak`: somebody was told what it may not know; `loss`: somebody was not told; … */
export type FindingKind =
  | 'leak'
  | 'loss'
  | 'wrong-message'
  | 'wrong-order'
  | 'wrong-view'
  | 'wrong-list'
  | 'wrong-log'
  | 'wrong-verdict'
  | 'wrong-refusal'
  | 'still-open'
  | 'unexpected-resync';

/** The product did other than its documents say. */
export class Finding extends Error {
  readonly kind: FindingKind;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(kind: FindingKind, message: string, detail: Readonly<Record<string, unknown>> = {}) {
    super(`${kind}: ${message}\n${describe(detail)}`);
    this.name = 'Finding';
    this.kind = kind;
    this.detail = detail;
  }
}

const LONGEST = 4000;

function describe(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .map(([name, value]) => `  ${name}: ${(JSON.stringify(value) ?? 'undefined').slice(0, LONGEST)}`)
    .join('\n');
}
