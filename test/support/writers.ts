import type { Api } from './api.ts';

interface WriterOptions {
  readonly api: Api;
  readonly collection: string;
  /** Changes per second; refused or failed ones count too. */
  readonly rate: number;
  readonly signal: AbortSignal;
  /** Called with each write that was acknowledged. */
  readonly onAcknowledged?: (write: { readonly uuid: string; readonly version: number | undefined }) => void;
}

const STATUSES = ['nieuw', 'in_behandeling', 'afgehandeld', 'vertrouwelijk'];
const KEPT_ROWS = 40;

/**
 * Writes until told to stop: creates, updates (rows move in and out of view) and deletes, at a steady rate. What the
 * server cannot take at the moment is skipped. Resolves with the number of acknowledged writes.
 */
export async function writeSteadily(options: WriterOptions): Promise<number> {
  const path = `/api/objects/${options.collection}`;
  const rows: string[] = [];
  let acknowledged = 0;
  const started = performance.now();
  for (let turn = 0; !options.signal.aborted; turn += 1) {
    const due = started + (turn / options.rate) * 1000;
    await new Promise((wake) => {
      setTimeout(wake, Math.max(0, due - performance.now()));
    });
    const status = STATUSES[turn % STATUSES.length];
    const target = rows[turn % Math.max(1, rows.length)];
    const deletes = rows.length > KEPT_ROWS && turn % 5 === 0;
    try {
      const answer =
        target === undefined || (turn % 3 === 0 && !deletes)
          ? await options.api.ask('POST', path, { titel: `row ${turn}`, status, prioriteit: 1 + (turn % 5) })
          : deletes
            ? await options.api.ask('DELETE', `${path}/${target}`)
            : await options.api.ask('PATCH', `${path}/${target}`, { titel: `row ${turn}`, status });
      if (answer.status >= 300) continue;
      acknowledged += 1;
      const body = answer.body as { readonly id: string; readonly _version: number } | undefined;
      if (answer.status === 201 && body !== undefined) rows.push(body.id);
      if (deletes && target !== undefined) rows.splice(rows.indexOf(target), 1);
      options.onAcknowledged?.({ uuid: body?.id ?? target ?? '', version: body?._version });
    } catch {
      // Nobody answered: the process was just killed. The next turn tries again.
    }
  }
  return acknowledged;
}
