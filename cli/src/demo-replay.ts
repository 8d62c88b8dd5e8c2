import type { ApiClient } from './api-client.ts';
import { DEMO_DATA_SET, strikeOf } from './demo-content.ts';
import type { ProgressBar } from './progress-bar.ts';
import { readRows } from './row-file.ts';

interface ReplayOptions {
  /** Changes per second. */
  readonly rate: number;
  /** How many changes to make; Infinity: until the signal. */
  readonly changes: number;
  readonly progress: ProgressBar;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
}

/** How many live reports stand at once before the oldest is deleted, so that the register does not grow for ever. */
const LIVE_REPORTS = 50;

const STRIKES = '/api/objects/wildlife/strikes';

/**
 * Replays the data set as if its reports came in now: every third change a new report, then an assessment of an
 * earlier one, and the deletion of the oldest once there are enough. All through the public API, as Alice. Ends with
 * the data set, the number of changes or the signal, whichever comes first; what it made, it deletes.
 */
export async function replayDemo(api: ApiClient, options: ReplayOptions): Promise<void> {
  const alice = api.as('demo-alice');
  const live: string[] = [];
  let done = 0;
  const started = performance.now();
  const change = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await alice.send(method, path, body);
    done += 1;
    options.progress.update(`changes at ${options.rate}/s`, done, options.changes);
    const due = started + (done / options.rate) * 1000;
    await options.sleep(Math.max(0, due - performance.now()));
    return answer;
  };
  const over = (): boolean => options.signal.aborted || done >= options.changes;

  for await (const row of readRows(DEMO_DATA_SET)) {
    if (over()) break;
    const created = (await change('POST', STRIKES, strikeOf(row, 'reported'))) as { readonly id: string };
    live.push(created.id);
    const assessed = live[Math.floor(live.length / 2)];
    if (!over() && assessed !== undefined)
      await change('PATCH', `${STRIKES}/${assessed}`, { stage: 'assessed' });
    const oldest = live.length > LIVE_REPORTS ? live.shift() : undefined;
    if (!over() && oldest !== undefined) await change('DELETE', `${STRIKES}/${oldest}`);
  }
  options.progress.finish(`${done} changes made; taking the live reports away again`);
  for (const id of live) await alice.send('DELETE', `${STRIKES}/${id}`);
}
