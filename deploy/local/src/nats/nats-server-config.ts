import { join } from 'node:path';
import { NATS_ACCOUNTS, SUBSCRIBER_LIMITS } from '@tidewire/contract';
import type { NatsAccount } from '@tidewire/contract';
import { formatTopology, serverName } from './nats-topology-config.ts';
import type { NatsTopology } from './nats-topology-config.ts';

/** One user of the bus. Without `permissions` it may do everything in its account: only for tests and operators. */
export interface NatsUser {
  /** Of one name over all accounts. */
  user: string;
  password: string;
  permissions?: NatsPermissions;
  /** Default: the platform's. */
  account?: NatsAccount;
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
  /**
   * The public key (`A…`) of who decides about everybody that is no user of this file, through the system account's users.
   * Default: there is nobody else.
   */
  calloutIssuer?: string;
  /** Default 127.0.0.1. Another one only inside a container, whose port is published on loopback. */
  host?: string;
  /** Other servers that this one is joined to. Default: it is alone. */
  topology?: NatsTopology;
}

/** The longest line of the protocol: one that holds an access token with many claims. */
export const NATS_MAX_LINE = '12KB';

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

const ISSUER = /^A[A-Z2-7]{55}$/;

/**
 * Who may connect that is no user of the file: the ones for whom a service answers the server's question. The users of
 * the file are asked about by nobody, so that services come in while authz is away.
 *
 * @throws when the issuer is no public key of an account.
 */
export function formatCallout(issuer: string, users: readonly string[]): string {
  if (!ISSUER.test(issuer)) throw new Error('The issuer of the auth callout must be an account key, "A…".');
  return `authorization: {
  # Longer than the service that decides may take; a client is refused then.
  timeout: 5
  auth_callout: {
    issuer: ${issuer}
    account: ${NATS_ACCOUNTS.system}
    auth_users: [${users.map(quote).join(', ')}]
  }
}
`;
}

/**
 * An account with its users, of which JetStream is for the platform's only: nobody else has a stream of any kind. The
 * bounds of a subscriber's connection are the account's, because a server asks a callout for them and then does not keep
 * them.
 */
export function formatAccount(account: NatsAccount, users: readonly string[], limits = ''): string {
  const jetStream = account === 'platform' ? '\n    jetstream: enabled' : '';
  const bounds =
    account === 'clients'
      ? `\n    # Subscriptions are those of one connection, the services' included.
    limits: { max_subscriptions: ${SUBSCRIBER_LIMITS.subscriptions}${limits} }`
      : '';
  return `  ${NATS_ACCOUNTS[account]}: {${jetStream}${bounds}
    users: [${users.length === 0 ? '' : `\n${users.join('\n')}\n    `}]
  }`;
}

/**
 * The configuration file of a local server: loopback only, JetStream on disk with every write synced before it is
 * acknowledged, named users, and others only where a service is asked about them. Nothing passes between accounts.
 *
 * @throws when there is no user, a name occurs twice, or a name, password or subject cannot be written safely.
 */
export function formatNatsServerConfig(settings: NatsServerSettings): string {
  const { users, calloutIssuer, topology } = settings;
  if (users.length === 0) throw new Error('A NATS server without users would refuse everybody.');
  if (new Set(users.map(({ user }) => user)).size !== users.length)
    throw new Error('A NATS user occurs twice.');
  const files = natsServerFiles(settings.dataFolder);
  const accounts = (Object.keys(NATS_ACCOUNTS) as NatsAccount[]).map((account) =>
    formatAccount(account, users.filter((user) => (user.account ?? 'platform') === account).map(formatUser)),
  );
  const names = users.map(({ user }) => user);
  return `# Generated at every start; changes here are lost.
server_name: ${quote(serverName(topology))}
host: ${quote(settings.host ?? '127.0.0.1')}
port: ${settings.port === 0 ? -1 : settings.port}
pid_file: ${quote(files.pid)}
ports_file_dir: ${quote(files.ports)}
max_payload: ${NATS_MAX_PAYLOAD_BYTES}
# A token of 8 KiB fits into one line.
max_control_line: ${NATS_MAX_LINE}
jetstream: {
  store_dir: ${quote(files.store)}
  max_memory_store: 268435456
  # Without it an acknowledged message may be in memory only for two minutes.
  sync_interval: always
}
accounts: {
${accounts.join('\n')}
}
system_account: ${NATS_ACCOUNTS.system}
${calloutIssuer === undefined ? '' : formatCallout(calloutIssuer, names)}${
    topology === undefined ? '' : formatTopology(topology)
  }`;
}
