/** How a server is joined to others. Everything is on 127.0.0.1: who is to be trusted there needs no password. */
export interface NatsTopology {
  /** Of one name among all servers that are joined. */
  readonly serverName: string;
  /** Servers that are one to their clients, and that keep streams together. */
  readonly cluster: {
    readonly name: string;
    readonly port: number;
    /** Cluster ports of all its servers; its own among them does no harm. */
    readonly peers: readonly number[];
  };
  /** Other clusters, which are told what is listened to here and the other way round. */
  readonly gateway?: {
    readonly port: number;
    /** Gateway ports of the servers of every cluster, by its name; its own among them does no harm. */
    readonly peers: Readonly<Record<string, readonly number[]>>;
  };
  /** Takes servers of other people as leaf nodes here; missing: it takes none. */
  readonly leafNodePort?: number;
}

/** A leaf node: a server of somebody else's making that is connected to this one's accounts as a user of them. */
export interface NatsLeafSettings {
  readonly serverName: string;
  /** Of its own clients; 0 lets the system choose. */
  readonly port: number;
  readonly portsFolder: string;
  /** Where it is connected to, with the credential in it: `nats-leaf://user:password@127.0.0.1:7422`. */
  readonly remote: string;
  readonly users: readonly { readonly user: string; readonly password: string }[];
}

const NAME = /^[a-z0-9][a-z0-9-]*$/;

function checkName(name: string): string {
  if (!NAME.test(name)) throw new Error(`Not a name of a NATS server or cluster: ${JSON.stringify(name)}`);
  return name;
}

const addresses = (scheme: string, ports: readonly number[]): string =>
  ports.map((port) => `"${scheme}://127.0.0.1:${port}"`).join(', ');

/**
 * The blocks that join a server to others.
 *
 * @throws when a name holds anything but lower-case letters, digits and hyphens.
 */
export function formatTopology({ cluster, gateway, leafNodePort }: NatsTopology): string {
  const name = checkName(cluster.name);
  const blocks = [
    `cluster: {
  name: "${name}"
  host: "127.0.0.1"
  port: ${cluster.port}
  routes: [${addresses('nats-route', cluster.peers)}]
}
`,
  ];
  if (gateway !== undefined) {
    const others = Object.entries(gateway.peers).map(
      ([peer, ports]) => `    { name: "${checkName(peer)}", urls: [${addresses('nats', ports)}] }\n`,
    );
    blocks.push(`gateway: {
  name: "${name}"
  host: "127.0.0.1"
  port: ${gateway.port}
  gateways: [
${others.join('')}  ]
}
`);
  }
  if (leafNodePort !== undefined) {
    blocks.push(`leafnodes: {
  host: "127.0.0.1"
  port: ${leafNodePort}
}
`);
  }
  return blocks.join('');
}

/** The name of a server that is joined to others, or of the only one. */
export function serverName(topology: NatsTopology | undefined): string {
  return topology === undefined ? 'tidewire-local' : checkName(topology.serverName);
}

/**
 * The configuration file of a leaf node without JetStream, as its owner would write it. Its users may do everything in it.
 *
 * @throws when a user, password or the remote's address holds anything that would have to be quoted.
 */
export function formatNatsLeafConfig(settings: NatsLeafSettings): string {
  const { users, remote } = settings;
  for (const text of [
    remote,
    settings.portsFolder,
    ...users.flatMap(({ user, password }) => [user, password]),
  ]) {
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text))
      throw new Error('A setting of a leaf node holds a blank or quote.');
  }
  return `# Generated at every start; changes here are lost.
server_name: "${checkName(settings.serverName)}"
host: "127.0.0.1"
port: ${settings.port === 0 ? -1 : settings.port}
ports_file_dir: "${settings.portsFolder}"
authorization: {
  users: [${users.map(({ user, password }) => `{ user: "${user}", password: "${password}" }`).join(', ')}]
}
leafnodes: {
  # Soon again, because tests take away what it is connected to.
  reconnect: "500ms"
  remotes: [{ urls: ["${remote}"] }]
}
`;
}
