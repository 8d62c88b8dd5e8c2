import type { Person } from './people.ts';
import type { RuleForm, SampleRow } from './rights-table.ts';

/** The two ways to see the same rows. */
export type Face = 'registers' | 'tables';

/** Where a cell of the matrix is looked at. */
export interface Place {
  readonly form: RuleForm;
  readonly row: SampleRow;
  readonly person: Person;
}

/** How it is looked at: `read, registers, GET`. */
export interface Way {
  readonly action: string;
  readonly face: Face;
  readonly transport: string;
}

/** What was not as the table says, by form. */
export class Findings {
  compared = 0;
  readonly #differences = new Map<string, string[]>();

  /** Compares what somebody was answered with what the table says. */
  compare({ form, row, person }: Place, way: Way, expected: string, seen: string): void {
    this.compared += 1;
    if (expected === seen) return;
    const { action, face, transport } = way;
    const known = this.#differences.get(form.name) ?? [];
    known.push(
      `"${form.name}", ${row.name}: ${person}, ${action}, ${face}, ${transport}: expected ${expected}, was ${seen}`,
    );
    this.#differences.set(form.name, known);
  }

  of(form: RuleForm): readonly string[] {
    return this.#differences.get(form.name) ?? [];
  }
}
