/**
 * The same text for values that mean the same: members of objects sorted, those that are undefined left out. Order within
 * lists counts. @throws TypeError for what JSON cannot say (cycles, BigInt).
 */
export function canonicalJson(value: object): string {
  return JSON.stringify(value, (_name, member: unknown) => (isPlain(member) ? sorted(member) : member));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
