/** Shows how far a long step is: one line that redraws itself on a terminal, a line per tenth elsewhere. */
export interface ProgressBar {
  /** Reports `done` of `total`; `total` may be Infinity for a step without an end. */
  readonly update: (label: string, done: number, total: number) => void;
  readonly finish: (line: string) => void;
}

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const WIDTH = 24;

export function createProgressBar(output: Output): ProgressBar {
  let lastTenth = -1;
  return {
    update(label, done, total) {
      const share = Number.isFinite(total) && total > 0 ? Math.min(1, done / total) : undefined;
      if (output.isTTY === true) {
        const filled = Math.round((share ?? 0) * WIDTH);
        const bar = share === undefined ? '' : `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] `;
        output.write(`\r${bar}${done}${share === undefined ? '' : `/${total}`} ${label}\u001b[K`);
        return;
      }
      const tenth = share === undefined ? Math.floor(done / 100) : Math.floor(share * 10);
      if (tenth === lastTenth) return;
      lastTenth = tenth;
      output.write(`${done}${share === undefined ? '' : `/${total}`} ${label}\n`);
    },
    finish(line) {
      lastTenth = -1;
      output.write(output.isTTY === true ? `\r${line}\u001b[K\n` : `${line}\n`);
    },
  };
}
