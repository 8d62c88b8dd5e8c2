import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const map = join(import.meta.dirname, '../docs/hazards.md');

interface Claim {
  readonly hazard: string;
  readonly claim: string;
  readonly file: string;
}

function readClaims(): Claim[] {
  return readFileSync(map, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const hazard = /^\| *(A?\d+) *\|/.exec(line)?.[1];
      if (hazard === undefined) return [];
      const links = line.matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g);
      return [...links].map(([, claim = '', path = '']) => ({
        hazard,
        claim: claim.replaceAll('\\', ''),
        file: join(dirname(map), path),
      }));
    });
}

test('every test that docs/hazards.md names is there', () => {
  const claims = readClaims();
  expect(claims.length).toBeGreaterThan(100);
  expect(claims.filter(({ file, claim }) => !readFileSync(file, 'utf8').includes(claim))).toEqual([]);
});

test('every hazard has a test or says that it is not built yet', () => {
  const rows = readFileSync(map, 'utf8')
    .split('\n')
    .filter((line) => /^\| *\d+ *\|/.test(line));
  expect(rows).toHaveLength(35 + 25);
  const open = rows.filter((row) => !row.includes('.test.ts') && !/not built yet|accepted/.test(row));
  expect(open).toEqual([]);
});

test('every attack on authorization has a test', () => {
  const attacks = readFileSync(map, 'utf8')
    .split('\n')
    .filter((line) => /^\| *A\d+ *\|/.test(line));
  expect(attacks.length).toBeGreaterThan(20);
  expect(attacks.filter((row) => !row.includes('.test.ts'))).toEqual([]);
});
