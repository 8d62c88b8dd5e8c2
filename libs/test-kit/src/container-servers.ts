import { connect } from 'node:net';
import { formatNatsServerConfig, freePort, withDatabase } from '@tidewire/local';
import { GenericContainer, ImageName, Wait, getContainerRuntimeClient } from 'testcontainers';
import { TEST_POSTGRES_SETTINGS } from './test-server.ts';
import type { NatsTestSettings, TestServer } from './test-server.ts';
import { waitFor } from './wait-for.ts';

/** The images that the tests need, by what runs in them. */
export const SERVER_IMAGES = { nats: 'nats:2.15.0-alpine', postgres: 'postgres:18-alpine' } as const;

/** On every container: which run of tests it belongs to. */
export const RUN_LABEL = 'tidewire.test-run';

// The run's keeper removes what a run leaves behind; the library's own helper container is not needed for it.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';

const readyTimeoutMs = 60_000;
const orderlyEndSeconds = 10;

/** Published on loopback only: the library itself has no word for it. */
class LoopbackContainer extends GenericContainer {
  protected override beforeContainerCreated(): Promise<void> {
    for (const bindings of Object.values(
      (this.hostConfig.PortBindings ?? {}) as Record<string, PortBinding[]>,
    )) {
      for (const binding of bindings) binding.HostIp = '127.0.0.1';
    }
    return Promise.resolve();
  }
}

interface PortBinding {
  HostIp?: string;
}

async function startContainer(
  container: GenericContainer,
  run: string,
  ports: { inside: number; outside?: number | undefined },
  isReady: (port: number) => Promise<boolean>,
): Promise<TestServer> {
  const port = ports.outside ?? (await freePort());
  const started = await container
    .withLabels({ [RUN_LABEL]: run })
    .withExposedPorts({ container: ports.inside, host: port })
    // Only we know when the server itself answers, and not just the engine's proxy in front of it.
    .withWaitStrategy(Wait.forSuccessfulCommand('true'))
    .start();
  const client = await getContainerRuntimeClient();
  const handle = client.container.getById(started.getId());
  let pid = 0;
  const becomeReady = async (): Promise<void> => {
    await waitFor(() => isReady(port), {
      timeoutMs: readyTimeoutMs,
      what: `the server on port ${port} answers`,
    });
    pid = (await handle.inspect()).State.Pid;
  };
  const kill = async (): Promise<void> => {
    if ((await handle.inspect()).State.Running) await handle.kill({ signal: 'SIGKILL' });
    await handle.wait();
  };
  await becomeReady();
  return {
    port,
    get pid() {
      return pid;
    },
    stop: async () => {
      await handle.stop({ t: orderlyEndSeconds }).catch(ignoreStopped);
    },
    kill,
    restart: async () => {
      await kill();
      await handle.start();
      await becomeReady();
    },
    remove: async () => {
      await handle.remove({ force: true, v: true });
    },
  };
}

/** 304: it has ended already, which is what was wanted. */
function ignoreStopped(error: unknown): void {
  if ((error as { statusCode?: number }).statusCode !== 304) throw error;
}

/** Whether a NATS server greets on this port. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const greeting = new Promise<boolean>((resolve) => {
    socket.setTimeout(1000, () => resolve(false));
    socket.once('data', (data) => resolve(data.toString().startsWith('INFO ')));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
  try {
    return await greeting;
  } finally {
    socket.destroy();
  }
}

/** NATS with the same settings as `startNatsServer`, in a container. */
export function startNatsContainer(
  run: string,
  { port, ...settings }: NatsTestSettings,
): Promise<TestServer> {
  const inside = 4222;
  const config = formatNatsServerConfig({
    ...settings,
    dataFolder: '/data',
    port: inside,
    host: '0.0.0.0',
  });
  const container = new LoopbackContainer(SERVER_IMAGES.nats)
    .withEntrypoint(['nats-server'])
    .withCommand(['-c', '/data/nats-server.conf'])
    .withCopyContentToContainer([
      { content: config, target: '/data/nats-server.conf' },
      { content: 'The server writes its addresses here.', target: '/data/ports/README' },
    ]);
  return startContainer(container, run, { inside, outside: port }, greets);
}

/** PostgreSQL with the same settings as `startPostgresServer`, in a container. */
export function startPostgresContainer(run: string, password: string): Promise<TestServer> {
  const settings = Object.entries(TEST_POSTGRES_SETTINGS).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const container = new LoopbackContainer(SERVER_IMAGES.postgres)
    .withEnvironment({
      POSTGRES_PASSWORD: password,
      POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C.UTF-8 --data-checksums',
    })
    .withCommand(['postgres', ...settings]);
  return startContainer(container, run, { inside: 5432 }, async (port) => {
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    return withDatabase(url, (client) => client.query('SELECT 1')).then(
      () => true,
      () => false,
    );
  });
}

/** Removes every container of a run, also those that nobody else knows any more. */
export async function removeContainers(run: string): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const ours = await dockerode.listContainers({ all: true, filters: { label: [`${RUN_LABEL}=${run}`] } });
  for (const { Id } of ours) await dockerode.getContainer(Id).remove({ force: true, v: true });
}

/** Makes sure that the images are there, pulling what is missing. Throws when one cannot be had. */
export async function pullImages(): Promise<void> {
  const { image } = await getContainerRuntimeClient();
  for (const name of Object.values(SERVER_IMAGES)) {
    const parsed = ImageName.fromString(name);
    if (!(await image.exists(parsed))) await image.pull(parsed);
  }
}
