import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { freePort, startNatsServer } from '@tidewire/local';
import type { NatsTopology, NatsUser } from '@tidewire/local';
import { usersOf } from './nats.ts';
import type { NatsTestUsers } from './nats.ts';
import { NatsSocket } from './nats-socket.ts';
import { announceOnce, runFolder } from './test-run.ts';
import { testServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';
import { waitFor } from './wait-for.ts';

export interface StartNatsClusterOptions extends NatsTestUsers {
  /** Servers; a list: of each of several clusters, which are joined by gateways. Default 3. */
  readonly nodes?: number | readonly number[];
  /** Whether leaf nodes are taken, which no shipped configuration does. Default false. */
  readonly leafNodes?: boolean;
}

export interface TestNatsNode {
  /** As the server calls itself: `nats-1`. */
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Where leaf nodes connect to, if they may. */
  readonly leafNodePort: number | undefined;
  /** This server alone, with the user and its password. Throws for a user that was not given. */
  urlFor(user: string): string;
}

/** NATS servers that are one, each a process of its own with its data in the folder of the run. */
export interface TestNatsCluster extends AsyncDisposable {
  readonly nodes: readonly TestNatsNode[];
  /** Every server, with the first user and its password. */
  readonly url: string;
  /** Every server, with the user and its password. Throws for a user that was not given. */
  urlFor(user: string): string;
  passwordFor(user: string): string;
  /** SIGKILL of one server; `restart` brings it back. */
  kill(index: number): Promise<void>;
  /** Kills it if it runs and starts it again: same address, same data. */
  restart(index: number): Promise<void>;
  /** Which server leads a stream of the platform's account, once one does. */
  leaderOf(stream: string): Promise<number>;
  /** Resolves when so many servers have agreed on who leads, and every one of them answers for streams. */
  untilReady(): Promise<void>;
}

/** May do everything in the platform's account. */
const OBSERVER = 'test-kit';
/** Three servers elect a leader within two seconds or so; a busy machine takes its time. */
const ELECTION_MS = 30_000;

interface NodePlan {
  readonly topology: NatsTopology;
  readonly port: number;
}

/** Ports are chosen before anything runs, because every server is told those of all others. */
async function planNodes(sizes: readonly number[], leafNodes: boolean): Promise<NodePlan[]> {
  const clusters = await Promise.all(
    sizes.map(async (size, index) => ({
      name: `cluster-${index + 1}`,
      ports: await Promise.all(Array.from({ length: size }, freePort)),
      gatewayPorts: await Promise.all(Array.from({ length: size }, freePort)),
    })),
  );
  const peers = Object.fromEntries(clusters.map(({ name, gatewayPorts }) => [name, gatewayPorts]));
  const plans: NodePlan[] = [];
  for (const { name, ports, gatewayPorts } of clusters) {
    for (const [index, port] of ports.entries()) {
      plans.push({
        port: await freePort(),
        topology: {
          serverName: `nats-${plans.length + 1}`,
          cluster: { name, port, peers: ports },
          ...(sizes.length > 1 && { gateway: { port: gatewayPorts[index] as number, peers } }),
          ...(leafNodes && { leafNodePort: await freePort() }),
        },
      });
    }
  }
  return plans;
}

/**
 * Starts several NATS servers with JetStream as one cluster, or as several clusters that are joined, and waits until they
 * keep streams together: some seconds. Processes also where the other servers of the tests are containers.
 */
export async function startNatsCluster(options: StartNatsClusterOptions = {}): Promise<TestNatsCluster> {
  const { nodes: sizes = 3, leafNodes = false, calloutIssuer } = options;
  const observer: NatsUser = { user: OBSERVER, password: randomBytes(12).toString('base64url') };
  const users = [...usersOf(options), observer];
  const plans = await planNodes(typeof sizes === 'number' ? [sizes] : sizes, leafNodes);
  await announceOnce('NATS', 'one server for each test');
  const servers = await Promise.all(
    plans.map(async ({ topology, port }) => {
      const dataFolder = runFolder(topology.serverName);
      const server = await startNatsServer({
        dataFolder,
        port,
        users,
        topology,
        ...(calloutIssuer !== undefined && { calloutIssuer }),
      });
      return testServer(server, () => rmSync(dataFolder, { recursive: true, force: true }));
    }),
  );
  const cluster = clusterOf(plans, servers, users);
  try {
    await cluster.untilReady();
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

function clusterOf(plans: NodePlan[], servers: TestServer[], users: NatsUser[]): TestNatsCluster {
  const passwordFor = (user: string): string => {
    const known = users.find((candidate) => candidate.user === user);
    if (known === undefined) throw new Error(`These servers have no user ${user}`);
    return known.password;
  };
  const credentials = (user: string): string => `${user}:${passwordFor(user)}@`;
  const nodes = plans.map(({ topology }, index) => ({
    name: topology.serverName,
    port: (servers[index] as TestServer).port,
    get pid() {
      return (servers[index] as TestServer).pid;
    },
    leafNodePort: topology.leafNodePort,
    urlFor: (user: string) => `nats://${credentials(user)}127.0.0.1:${servers[index]?.port}`,
  }));
  const urlFor = (user: string): string => nodes.map((node) => node.urlFor(user)).join(',');
  const stopped = new Set<number>();
  const serverAt = (index: number): TestServer => {
    const server = servers[index];
    if (server === undefined) throw new RangeError(`There is no server ${index}`);
    return server;
  };
  /** What one server that runs answers on JetStream's API; undefined when nobody leads. */
  const ask = async (index: number, question: string): Promise<ApiAnswer | undefined> => {
    try {
      const login = { port: serverAt(index).port, user: OBSERVER, password: passwordFor(OBSERVER) };
      using socket = await NatsSocket.connect(login);
      return JSON.parse((await socket.request(`$JS.API.${question}`)).data || '{"error":{}}') as ApiAnswer;
    } catch {
      return undefined;
    }
  };
  const running = (): number[] => servers.map((_, index) => index).filter((index) => !stopped.has(index));
  return {
    nodes,
    url: urlFor(users[0]?.user ?? ''),
    urlFor,
    passwordFor,
    kill: async (index) => {
      stopped.add(index);
      await serverAt(index).kill();
    },
    restart: async (index) => {
      await serverAt(index).restart();
      stopped.delete(index);
    },
    leaderOf: (stream) =>
      waitFor(
        async () => {
          const [first = 0] = running();
          const name = (await ask(first, `STREAM.INFO.${stream}`))?.cluster?.leader;
          const index = nodes.findIndex((node) => node.name === name);
          return index < 0 ? undefined : { index };
        },
        { what: `somebody leads the stream ${stream}`, timeoutMs: ELECTION_MS },
      ).then(({ index }) => index),
    untilReady: async () => {
      await waitFor(
        async () => {
          const answers = await Promise.all(running().map((index) => ask(index, 'INFO')));
          return answers.every((answer) => answer !== undefined && answer.error === undefined);
        },
        { what: 'every server answers for streams', timeoutMs: ELECTION_MS },
      );
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server.remove()));
    },
  };
}

interface ApiAnswer {
  readonly error?: unknown;
  readonly cluster?: { readonly leader?: string };
}
