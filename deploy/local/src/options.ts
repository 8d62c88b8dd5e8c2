import { parseArgs } from 'node:util';

/** What `npm start` was asked to do. */
export interface StartOptions {
  /** Port of the origin; 0 takes any free one. */
  readonly port: number;
  /** As given: relative to the current directory. */
  readonly dataDir: string;
  readonly demo: boolean;
  readonly gateways: number;
  readonly records: number;
  readonly notifiers: number;
  /** The file of live pages, as given; undefined: the one that comes along. */
  readonly pages: string | undefined;
  /** Delete what the data folder holds before starting. */
  readonly reset: boolean;
  /** Show the logs of the services as they are written. */
  readonly verbose: boolean;
}

/** The result of reading the command line. An unknown option carries what it might have been meant to be. */
export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: StartOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'unknown'; readonly option: string; readonly known: readonly string[] }
  | { readonly kind: 'invalid'; readonly message: string };

const MAX_GATEWAYS = 32;
/** Each keeps its connections to PostgreSQL, which has a hundred. */
const MAX_RECORDS = 8;
const MAX_NOTIFIERS = 8;

const OPTIONS = {
  'port': { type: 'string' },
  'data-dir': { type: 'string' },
  'no-demo': { type: 'boolean' },
  'gateways': { type: 'string' },
  'records': { type: 'string' },
  'notifiers': { type: 'string' },
  'pages': { type: 'string' },
  'reset': { type: 'boolean' },
  'verbose': { type: 'boolean' },
  'help': { type: 'boolean', short: 'h' },
} as const;

type OptionName = keyof typeof OPTIONS;

export const HELP = `Starts Tidewire on this machine: NATS, PostgreSQL, all services and one origin.

  npm start -- [options]

  --port PORT        port of the origin (8080; 0 takes any free one)
  --data-dir FOLDER  where data, secrets and logs are kept (./.tidewire)
  --gateways N       fan-out gateways behind the origin (1)
  --records N        processes of the records API behind the origin (1)
  --notifiers N      push notifiers behind the origin (1)
  --pages FILE       the live pages, in YAML (deploy/local/pages.yaml)
  --no-demo          without demo accounts and demo data
  --reset            delete everything in the data folder first
  --verbose          show the logs of all services
  --help             this text

DATABASE_URL (an administrator's) and NATS_URL, when set, are used instead of servers of our own.
TIDEWIRE_* settings are passed to the services that know them; docs/reference lists them.
`;

/** Reads the arguments after `npm start --`. The last one wins when an option is repeated. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  const { tokens } = parseArgs({
    args: [...args],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<OptionName, string | undefined>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      return {
        kind: 'invalid',
        message: `${JSON.stringify(token.value)} is not an option; see npm start -- --help.`,
      };
    }
    const name = Object.keys(OPTIONS).find((known): known is OptionName => known === token.name);
    if (name === undefined) {
      return {
        kind: 'unknown',
        option: token.rawName,
        known: Object.keys(OPTIONS).map((known) => `--${known}`),
      };
    }
    const takesValue = OPTIONS[name].type === 'string';
    if (takesValue && (token.value === undefined || token.value === '')) {
      return { kind: 'invalid', message: `--${name} needs a value, for instance ${EXAMPLES[name]}.` };
    }
    if (!takesValue && token.value !== undefined) {
      return { kind: 'invalid', message: `--${name} takes no value.` };
    }
    values.set(name, token.value);
  }
  if (values.has('help')) return { kind: 'help' };
  return assemble(values);
}

const EXAMPLES: Partial<Record<OptionName, string>> = {
  'port': '--port 9090',
  'data-dir': '--data-dir ./my-data',
  'gateways': '--gateways 2',
  'records': '--records 2',
  'notifiers': '--notifiers 2',
  'pages': '--pages ./my-pages.yaml',
};

function assemble(values: ReadonlyMap<OptionName, string | undefined>): ParsedOptions {
  const port = wholeNumber(values.get('port') ?? '8080', 0, 65_535);
  if (port === undefined)
    return { kind: 'invalid', message: '--port must be a whole number from 0 to 65535.' };
  const gateways = wholeNumber(values.get('gateways') ?? '1', 1, MAX_GATEWAYS);
  if (gateways === undefined) {
    return { kind: 'invalid', message: `--gateways must be a whole number from 1 to ${MAX_GATEWAYS}.` };
  }
  const records = wholeNumber(values.get('records') ?? '1', 1, MAX_RECORDS);
  if (records === undefined) {
    return { kind: 'invalid', message: `--records must be a whole number from 1 to ${MAX_RECORDS}.` };
  }
  const notifiers = wholeNumber(values.get('notifiers') ?? '1', 1, MAX_NOTIFIERS);
  if (notifiers === undefined) {
    return { kind: 'invalid', message: `--notifiers must be a whole number from 1 to ${MAX_NOTIFIERS}.` };
  }
  return {
    kind: 'run',
    options: {
      port,
      gateways,
      records,
      notifiers,
      dataDir: values.get('data-dir') ?? './.tidewire',
      pages: values.get('pages'),
      demo: !values.has('no-demo'),
      reset: values.has('reset'),
      verbose: values.has('verbose'),
    },
  };
}

function wholeNumber(text: string, minimum: number, maximum: number): number | undefined {
  const number = Number(text);
  return /^\d+$/.test(text) && number >= minimum && number <= maximum ? number : undefined;
}
