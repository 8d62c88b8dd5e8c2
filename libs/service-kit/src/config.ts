import { z } from 'zod';
import { nearestName } from './nearest-name.ts';
import { originsSetting } from './origins-setting.ts';

/** Environment variables that begin so belong to Tidewire; an unknown one is a mistake and is refused. */
const OWN_PREFIX = 'TIDEWIRE_';

/** A service's settings: one flat zod object whose keys are the names of environment variables. */
export type ConfigSchema = z.ZodObject;

/** Marks a setting whose value is never printed or logged. Any order of `secret(...)`, `.describe` and `.default` works. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), secret: true });
}

/** `true` or `false`, in words. */
export function booleanSetting(): z.ZodType<boolean, string | boolean> {
  return z
    .union([z.boolean(), z.enum(['true', 'false'])])
    .transform((value) => value === true || value === 'true');
}

/** A whole number in decimal digits, from `min` to `max`. Bounds are part of the setting: every number has a limit. */
export function integerSetting(min: number, max: number): z.ZodCoercedNumber {
  return z.coerce.number().int().min(min).max(max);
}

/** What every service is started with. A service composes `z.object({ ...baseConfig.shape, ...own })`. */
export const baseConfig = z.object({
  TIDEWIRE_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  TIDEWIRE_PORT: integerSetting(0, 65_535).default(0).describe('Port to listen on; 0 takes any free one.'),
  TIDEWIRE_PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://127.0.0.1:8080')
    .describe('Where clients reach this installation: the origin of links, cookies and event sources.'),
  TIDEWIRE_ALLOWED_ORIGINS: originsSetting()
    .prefault('')
    .describe(
      'Origins of other pages that may use this installation from a browser, with cookies; separated by commas. Its own always may.',
    ),
  TIDEWIRE_DRAIN_MS: integerSetting(0, 600_000)
    .default(5_000)
    .describe('How long what is running may take to finish after a stop signal, milliseconds.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('The least severe log line that is written.'),
});
export type BaseConfig = z.infer<typeof baseConfig>;

const NATS_PROTOCOLS = new Set(['nats:', 'tls:', 'ws:', 'wss:']);

function isNatsServer(text: string): boolean {
  return URL.canParse(text) && NATS_PROTOCOLS.has(new URL(text).protocol);
}

/**
 * One or more servers of NATS, of which each is a URL with the user and its password in it; commas separate them. With
 * `tls` in place of `nats` nothing is told to a server without TLS.
 */
export function natsServers(): z.ZodString {
  return secret(
    z.string().refine((text) => text.split(',').every((server) => isNatsServer(server.trim())), {
      error: 'must be nats://user:password@host:port, several of them separated by commas',
    }),
  );
}

/** For services on the bus. The URL holds the user and its password. */
export const busConfig = z.object({
  NATS_URL: natsServers().describe(
    'NATS server as nats://user:password@host:port, or several separated by commas; the user is the service.',
  ),
});

/** For those who store something in NATS: the log, and what gateways share. */
export const replicasConfig = z.object({
  TIDEWIRE_LOG_REPLICAS: integerSetting(1, 5)
    .default(1)
    .describe(
      'On how many NATS servers the log, and what gateways share, are stored: 3 in a cluster. The same for relay and gateways.',
    ),
});

/** For services that answer subscribers on NATS, who are in an account apart. The URL holds the user and its password. */
export const clientsBusConfig = z.object({
  TIDEWIRE_CLIENTS_NATS_URL: natsServers()
    .optional()
    .describe(
      "NATS servers as nats://user:password@host:port; the user is the service's in the account of the subscribers. Absent: it does nothing there.",
    ),
});

/** For services with a schema of their own in PostgreSQL. The URL holds the role and its password. */
export const databaseConfig = z.object({
  DATABASE_URL: secret(z.url({ protocol: /^postgres(ql)?$/ })).describe(
    'PostgreSQL as postgresql://role:password@host:port/database.',
  ),
});

/** For services that use it through a pool of connections, which is most. */
export const databasePoolConfig = z.object({
  ...databaseConfig.shape,
  TIDEWIRE_DATABASE_CONNECTIONS: integerSetting(2, 200)
    .default(10)
    .describe('Connections to PostgreSQL at most.'),
});

/** One wrong setting. `name` is the environment variable; `message` never holds its value. */
export interface ConfigFault {
  readonly name: string;
  readonly message: string;
}

export type ConfigResult<Config> =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/**
 * Reads settings from environment variables. All faults are reported together. An empty variable counts as absent,
 * because that is how compose files and shells leave one out. An unknown `TIDEWIRE_*` variable is a fault that names
 * the nearest known one; other unknown variables are none of our business.
 */
export function parseConfig<Schema extends ConfigSchema>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): ConfigResult<z.output<Schema>> {
  const names = Object.keys(schema.shape);
  const faults: ConfigFault[] = [];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(OWN_PREFIX) || names.includes(name)) continue;
    const nearest = nearestName(name, names);
    faults.push({
      name,
      message: `is not a setting of this service${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    });
  }
  const given = names.map(
    (name) => [name, environment[name] === '' ? undefined : environment[name]] as const,
  );
  const result = schema.safeParse(Object.fromEntries(given));
  if (!result.success) {
    for (const issue of result.error.issues) {
      const name = String(issue.path[0] ?? '');
      faults.push({ name, message: faultMessage(issue, environment[name]) });
    }
  }
  if (faults.length > 0 || !result.success) return { ok: false, faults };
  return { ok: true, config: result.data };
}

/** One row of the generated reference. `default` is undefined where the setting is required or has none. */
export interface ConfigRow {
  readonly name: string;
  readonly type: string;
  readonly default: string | undefined;
  readonly required: boolean;
  readonly description: string;
  readonly secret: boolean;
}

/** The settings of a service as rows, in the order of the schema; `--help` and the generated reference are made of it. */
export function describeConfig(schema: ConfigSchema): ConfigRow[] {
  return Object.entries(schema.shape).map(([name, setting]) => {
    const facts = settingFacts(setting);
    return {
      name,
      type: facts.type,
      default: facts.default === undefined ? undefined : formatDefault(facts.default),
      required: !setting.safeParse(undefined).success,
      description: facts.description ?? '',
      secret: facts.secret,
    };
  });
}

/** The settings with every secret replaced by `***`: what `--print-config` shows. Unset optional ones are left out. */
export function printableConfig(
  schema: ConfigSchema,
  config: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const rows = describeConfig(schema).filter((row) => config[row.name] !== undefined);
  return Object.fromEntries(rows.map((row) => [row.name, row.secret ? '***' : config[row.name]]));
}

function formatDefault(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface SettingFacts {
  type: string;
  default: unknown;
  description: string | undefined;
  secret: boolean;
}

/** Descriptions and marks may sit on any layer (`default`, `optional`, the value itself): all are looked at. */
function settingFacts(setting: z.core.$ZodType): SettingFacts {
  const facts: SettingFacts = { type: 'text', default: undefined, description: undefined, secret: false };
  let layer: z.core.$ZodType | undefined = setting;
  while (layer !== undefined) {
    const meta = z.globalRegistry.get(layer);
    facts.description ??= meta?.description;
    facts.secret ||= meta?.['secret'] === true;
    const definition = layer._zod.def as z.core.$ZodTypeDef & Partial<z.core.$ZodDefaultDef>;
    if (definition.type === 'default' || definition.type === 'prefault')
      facts.default ??= definition.defaultValue;
    if (definition.innerType === undefined) facts.type = typeName(layer);
    layer = definition.innerType;
  }
  return facts;
}

function typeName(layer: z.core.$ZodType): string {
  if (layer instanceof z.ZodEnum) return layer.options.join(' | ');
  if (layer instanceof z.ZodNumber) return 'integer';
  if (layer instanceof z.ZodURL) return 'URL';
  // A transform is `booleanSetting` in practice: what goes in decides the name.
  if (layer instanceof z.ZodPipe) return layer.in instanceof z.ZodUnion ? 'true | false' : typeName(layer.in);
  return 'text';
}

function faultMessage(issue: z.core.$ZodIssue, given: string | undefined): string {
  if (given === undefined || given === '') return 'is required';
  // zod's texts for enumerations and bounds name what is allowed, none of them repeats the value that was given.
  return issue.message;
}
