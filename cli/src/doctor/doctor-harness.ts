import type { CheckName, CheckReport } from './checkup.ts';
import { doctorPush } from './doctor-command.ts';
import { TOKEN } from './push-server-harness.ts';

/** Long for a server on this machine, short for a test that waits until it is over. */
const LIMIT_MS = 1000;
export const WRITE = { write: 'reports/potholes', row: '{"titel":"doctor"}' };

export interface Findings {
  readonly ok: boolean;
  readonly checks: readonly CheckReport[];
  readonly of: (check: CheckName) => CheckReport | undefined;
}

/** Looks at what is at that address, as who has the good token. */
export async function examine(
  url: string,
  words: object = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Findings> {
  let printed = '';
  const print = (text: string): void => void (printed += text);
  const given = { url, token: TOKEN, json: true, ...words };
  const ok = await doctorPush(given, {
    print,
    signal,
    defaultToken: '',
    limitMs: LIMIT_MS,
    patienceMs: LIMIT_MS,
  });
  const { checks } = JSON.parse(printed) as { checks: CheckReport[] };
  return { ok, checks, of: (check) => checks.find((report) => report.check === check) };
}

export function namesOf({ checks }: Findings, result: CheckReport['result']): readonly CheckName[] {
  return checks.filter((report) => report.result === result).map(({ check }) => check);
}
