/** The `tidewire` command: looks at its first word, reads the options, and says plainly what went wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createApiClient } from './api-client.ts';
import { replayDemo } from './demo-replay.ts';
import { seedDemo } from './demo-seed.ts';
import { doctorPush } from './doctor/doctor-command.ts';
import { importFile } from './import-file.ts';
import { createProgressBar } from './progress-bar.ts';
import { typesCommand } from './schema-types/types-command.ts';

const HELP = `usage: tidewire COMMAND [OPTION...]

  import FILE     makes a register of your own from a .csv or .ndjson file
    --register SLUG   default: the file's name          --schema SLUG   default: rows
  seed            writes the demo: organisations, people, registers, rows (as often as you like; it adds what is missing)
  demo            replays the demo's data set as live changes
    --rate N          changes per second, default 5     --changes N     stop after so many; default: until Ctrl-C
  doctor push     checks push from outside: endpoints, WebSocket, pings, changes; says what is wrong and what to do
    --user NAME --password PASSWORD   as who has no token (default of the second: TIDEWIRE_PASSWORD)
    --write REGISTER/SCHEMA --row JSON   writes this row, sees that it wakes, and deletes it again
    --json            for programs; the exit code is 1 when something is wrong
  types           writes TypeScript types of the tables that the token may read
    --out FILE        into this file; default: standard output
    --check           writes nothing; the exit code is 1 when FILE is not what the server says now, 2 when that cannot be told

  --url URL       default http://localhost:8080
  --token TOKEN   default: TIDEWIRE_TOKEN, else demo-admin
`;

const OPTIONS = {
  url: { type: 'string', default: 'http://localhost:8080' },
  token: { type: 'string' },
  register: { type: 'string' },
  schema: { type: 'string' },
  rate: { type: 'string', default: '5' },
  changes: { type: 'string' },
  user: { type: 'string' },
  password: { type: 'string' },
  write: { type: 'string' },
  row: { type: 'string' },
  json: { type: 'boolean', default: false },
  out: { type: 'string' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** A whole or broken number of at least `minimum`. */
function readNumber(name: string, text: string, minimum: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < minimum) {
    throw new Error(`--${name} must be a number of at least ${minimum}, not "${text}"`);
  }
  return value;
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [command, file] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const defaultToken = process.env['TIDEWIRE_TOKEN'] ?? 'demo-admin';
  const api = createApiClient({ url: values.url, token: values.token ?? defaultToken });
  const progress = createProgressBar(process.stderr);
  const stop = new AbortController();
  // One Ctrl-C may arrive twice, from the terminal and from the program that started this one: no reason to break off.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop.abort());

  switch (command) {
    case 'import': {
      if (file === undefined) throw new Error('import needs a file: tidewire import FILE.csv');
      const made = await importFile(api, {
        file,
        register: values.register,
        schema: values.schema ?? 'rows',
        progress,
      });
      process.stdout.write(
        `${made.rows} rows in register "${made.register}", schema "${made.schema}". Watch them change:\n` +
          `  curl -N '${values.url}/api/realtime/subscribe?topic=register/${made.register}&token=<your token>'\n`,
      );
      return;
    }
    case 'seed':
      await seedDemo(api, progress);
      return;
    case 'demo':
      await replayDemo(api, {
        rate: readNumber('rate', values.rate, 0.1),
        changes: values.changes === undefined ? Infinity : readNumber('changes', values.changes, 1),
        progress,
        signal: stop.signal,
        sleep: async (ms) => {
          await delay(ms, undefined, { signal: stop.signal }).catch(() => undefined);
        },
      });
      return;
    case 'doctor': {
      if (file !== 'push') throw new Error('doctor needs what it shall look at: tidewire doctor push');
      const password = values.password ?? (values.user && process.env['TIDEWIRE_PASSWORD']);
      const print = (text: string): void => void process.stdout.write(text);
      const isWell = await doctorPush({ ...values, password }, { print, signal: stop.signal, defaultToken });
      if (!isWell) process.exitCode = 1;
      return;
    }
    case 'types': {
      const isSame = await typesCommand(api, values, (text) => void process.stdout.write(text));
      if (!isSame) process.exitCode = 1;
      return;
    }
    default:
      throw new Error(`there is no command "${command}"; "tidewire --help" lists them`);
  }
}

try {
  await run();
} catch (error) {
  process.stderr.write(`tidewire: ${error instanceof Error ? error.message : String(error)}\n`);
  // Of `types`, 1 says that it has looked, and that the file is another.
  process.exitCode = process.argv[2] === 'types' ? 2 : 1;
}
