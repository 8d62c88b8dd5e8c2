import { join } from 'node:path';

/** One user of the bus. Without `permissions` it may do everything: only for tests and operators. */
export interface NatsUser {
  user: string;
  password: string;
  permissions?: NatsPermissions;
}

/**
 * Subjects, with wildcards, that a user may publish to and subscribe to; everything else is refused, except one answer
 * to each request that it was sent.
 */
export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** What the generated configuration depends on. */
export interface NatsServerSettings {
  dataFolder: string;
  /** 0 lets the system choose. */
  port: number;
  users: NatsUser[];
  /** Default 127.0.0.1. Another one only inside a container, whose port is published on loopback. */
  host?: string;
}

/** The largest message that the bus takes, in bytes: a stored event carries two images of at most 256 KiB. */
export const NATS_MAX_PAYLOAD_BYTES = 2 * 1024 * 1024;

const plainText = /^[\x21\x23-\x5b\x5d-\x7e]+$/; // printable ASCII without blank, quote and backslash
const subjectText = /^[A-Za-z0-9_$*>.=/-]+$/;

/** The files of a server, all inside its data folder. */
export function natsServerFiles(dataFolder: string): {
  config: string;
  log: string;
  pid: string;
  ports: string;
  store: string;
} {
  return {
    config: join(dataFolder, 'nats-server.conf'),
    log: join(dataFolder, 'nats-server.log'),
    pid: join(dataFolder, 'nats-server.pid'),
    ports: join(dataFolder, 'ports'),
    store: join(dataFolder, 'store'),
  };
}

function quote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function formatSubjects(subjects: readonly string[]): string {
  // The server reads an empty allow list as "no limit"; the only way to say "nothing" is to deny everything.
  if (subjects.length === 0) return '{ deny: [">"] }';
  for (const subject of subjects) {
    if (!subjectText.test(subject)) throw new Error(`Not a NATS subject: ${JSON.stringify(subject)}`);
  }
  return `{ allow: [${subjects.map(quote).join(', ')}] }`;
}

/** A user of the configuration; `password` is written as it stands: a quoted text or a reference to a variable. */
export function formatNatsUser(user: string, password: string, permissions?: NatsPermissions): string {
  const lines = [`user: ${quote(user)}`, `password: ${password}`];
  if (permissions !== undefined) {
    lines.push('permissions: {', `  publish: ${formatSubjects(permissions.publish)}`);
    lines.push(`  subscribe: ${formatSubjects(permissions.subscribe)}`);
    // Whoever answers requests cannot be given a right on every inbox: the server lets it answer what it was asked.
    lines.push('  allow_responses: { max: 1, expires: "1m" }');
    lines.push('}');
  }
  return `      {\n${lines.map((line) => `        ${line}`).join('\n')}\n      }`;
}

function formatUser({ user, password, permissions }: NatsUser): string {
  for (const text of [user, password]) {
    if (!plainText.test(text)) {
      throw new Error('A NATS user or password holds a blank, quote, backslash or control.');
    }
  }
  // "$2a$" would make the server take the password for a bcrypt hash and compare something else.
  if (password.startsWith('$2')) throw new Error('A NATS password must not begin with "$2".');
  return formatNatsUser(user, quote(password), permissions);
}

/**
 * The configuration file of a local server: loopback only, JetStream on disk with every write synced before it is
 * acknowledged, named users and nobody else. There is no user for the system account.
 *
 * @throws when there is no user, a name occurs twice, or a name, password or subject cannot be written safely.
 */
export function formatNatsServerConfig(settings: NatsServerSettings): string {
  const { users } = settings;
  if (users.length === 0) throw new Error('A NATS server without users would refuse everybody.');
  if (new Set(users.map(({ user }) => user)).size !== users.length)
    throw new Error('A NATS user occurs twice.');
  const files = natsServerFiles(settings.dataFolder);
  return `# Generated at every start; changes here are lost.
server_name: "tidewire-local"
host: ${quote(settings.host ?? '127.0.0.1')}
port: ${settings.port === 0 ? -1 : settings.port}
pid_file: ${quote(files.pid)}
ports_file_dir: ${quote(files.ports)}
max_payload: ${NATS_MAX_PAYLOAD_BYTES}
jetstream: {
  store_dir: ${quote(files.store)}
  max_memory_store: 268435456
  # Without it an acknowledged message may be in memory only for two minutes.
  sync_interval: always
}
accounts: {
  TIDEWIRE: {
    jetstream: enabled
    users: [
${users.map(formatUser).join('\n')}
    ]
  }
}
`;
}
