import { slugSchema } from '@tidewire/contract';
import { CHECKS, Checkup } from './checkup.ts';
import type { CheckReport } from './checkup.ts';
import { examinePush } from './push-doctor.ts';
import type { RowPlan } from './push-row.ts';
import type { PushTarget } from './push-target.ts';

/** The words of the command line, as they were typed. */
export interface DoctorWords {
  readonly url: string;
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly write?: string | undefined;
  readonly row?: string | undefined;
  readonly json: boolean;
}

export interface DoctorOptions {
  readonly print: (text: string) => void;
  readonly signal: AbortSignal;
  /** Counts where nothing else was said; a token. */
  readonly defaultToken: string;
  /** How long one check may take, milliseconds. Default 10 seconds. */
  readonly limitMs?: number;
  /** The same for reminders, which are put off where there are many connections and changes. Default 33 seconds. */
  readonly patienceMs?: number;
}

const CHECK_LIMIT_MS = 10_000;
/** PROTOCOL.md 8.2: 15 s and a half, and 100 ms. */
const LONGEST_REMINDER_MS = 15_000 * 1.5 + 100;
const MARKS = Object.freeze({ ok: '✓', failed: '✗', skipped: '–' } as const);

/**
 * `tidewire doctor push`: prints a line for each check, or JSON for all, and says whether everything is well.
 *
 * @throws Error for words that make no sense.
 */
export async function doctorPush(words: DoctorWords, options: DoctorOptions): Promise<boolean> {
  const target = readTarget(words, options.defaultToken);
  const plan = readPlan(words);
  const reports: CheckReport[] = [];
  const checkup = new Checkup({
    limitMs: options.limitMs ?? CHECK_LIMIT_MS,
    patienceMs: options.patienceMs ?? CHECK_LIMIT_MS + LONGEST_REMINDER_MS,
    signal: options.signal,
    onReport: (report) => {
      reports.push(report);
      if (!words.json) options.print(formatReport(report));
    },
  });
  await examinePush(checkup, target, plan);
  // What was interrupted was not seen to be well.
  const ok = checkup.isHealthy && !options.signal.aborted;
  options.print(
    words.json
      ? `${JSON.stringify({ url: target.origin, ok, checks: reports.map(describe) }, null, 2)}\n`
      : formatSummary(reports, ok),
  );
  return ok;
}

function readTarget({ url, token, user, password }: DoctorWords, defaultToken: string): PushTarget {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new Error(`--url must be an address such as https://tidewire.example, not "${url}"`);
  }
  if (user === undefined && password === undefined) {
    return { origin: parsed.origin, credential: { type: 'token', token: token ?? defaultToken } };
  }
  if (user === undefined || password === undefined || token !== undefined) {
    throw new Error('give either --token, or --user and --password together');
  }
  return { origin: parsed.origin, credential: { type: 'password', user, password } };
}

function readPlan({ write, row }: DoctorWords): RowPlan | undefined {
  if (write === undefined && row === undefined) return undefined;
  const [register = '', schema = '', ...rest] = (write ?? '').split('/');
  if (![register, schema].every((slug) => slugSchema.safeParse(slug).success) || rest.length > 0) {
    throw new Error(`--write must be REGISTER/SCHEMA, not "${write ?? ''}"`);
  }
  return { register, schema, row: readRow(row) };
}

function readRow(text: string | undefined): object {
  try {
    const value = JSON.parse(text ?? '') as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new Error('--write needs --row with a JSON object, such as --row \'{"titel": "doctor"}\'');
}

function describe({ check, result, text, advice, ms }: CheckReport): object {
  return {
    check,
    title: CHECKS[check],
    result,
    text,
    ...(advice === undefined ? {} : { advice }),
    ms: ms === null ? null : Math.round(ms * 10) / 10,
  };
}

function formatReport({ check, result, text, advice, ms }: CheckReport): string {
  const duration = ms === null ? '' : `, ${Math.round(ms)} ms`;
  const line = `${MARKS[result]} ${CHECKS[check]}: ${text}${duration}\n`;
  return advice === undefined ? line : `${line}    ${advice}\n`;
}

function formatSummary(reports: readonly CheckReport[], ok: boolean): string {
  const count = (result: CheckReport['result']): number =>
    reports.filter((report) => report.result === result).length;
  const figures = `${count('ok')} well, ${count('failed')} wrong, ${count('skipped')} skipped`;
  return `\n${ok ? 'Push works as far as was looked' : 'Push does not work as it should'}: ${figures}.\n`;
}
