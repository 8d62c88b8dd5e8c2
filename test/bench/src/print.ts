/** One line of a table: a wide first column, then narrow ones. */
export function printRow(cells: readonly (string | number)[]): void {
  console.log(cells.map((cell, index) => String(cell).padEnd(index === 0 ? 34 : 14)).join(''));
}

/** Of ascending figures, to one decimal. */
export function percentile(sorted: readonly number[], share: number): string {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? '-' : value.toFixed(1);
}
