import { claimFolder } from './folder-claim.ts';
import type { FolderClaim } from './folder-claim.ts';
import type { ServerProcess } from './server-process.ts';

/** A server program that runs on 127.0.0.1 with a data folder of its own. */
export interface LocalServer extends AsyncDisposable {
  /** For people: `NATS`, `PostgreSQL`. */
  readonly name: string;
  readonly url: string;
  /** The same over restarts. */
  readonly port: number;
  /** The process that runs now; another one after a restart. */
  readonly pid: number;
  /** How it ended, when it ended by itself or was killed; undefined while it runs. */
  ended(): string | undefined;
  /** The last lines of its log. */
  logTail(): string;
  /** An orderly end that keeps everything acknowledged and waits for no client; `restart` brings it back. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would do it; `restart` brings the server back. */
  kill(): Promise<void>;
  /** Kills it if it runs and starts it again: same port, same data. */
  restart(): Promise<void>;
}

/** How a server program is started once its folder is in order. */
export interface ServerPlan {
  readonly name: string;
  /** Starts it and waits until it is ready; without a port on any free one. @throws when it does not start. */
  readonly launch: (port: number | undefined) => Promise<[ServerProcess, number]>;
  readonly url: (port: number) => string;
}

/**
 * Claims the folder, puts it in order with `prepare` and starts the server. The claim is held while it runs, also over a
 * kill, and given back by `stop`.
 *
 * @throws FolderInUseError when a living process runs a server there; what `prepare` and `launch` throw.
 */
export async function runServer(
  dataFolder: string,
  wantedPort: number | undefined,
  prepare: () => Promise<ServerPlan>,
): Promise<LocalServer> {
  let claim: FolderClaim | undefined = claimFolder(dataFolder);
  const releaseClaim = (): void => {
    claim?.release();
    claim = undefined;
  };
  let plan: ServerPlan;
  let server: ServerProcess;
  let port: number;
  try {
    plan = await prepare();
    [server, port] = await plan.launch(wantedPort);
  } catch (error) {
    releaseClaim();
    throw error;
  }
  const stop = async (): Promise<void> => {
    await server.stop();
    releaseClaim();
  };
  return {
    name: plan.name,
    url: plan.url(port),
    port,
    get pid() {
      return server.pid;
    },
    ended: () => server.ended(),
    logTail: () => server.logTail(),
    stop,
    kill: () => server.kill(),
    restart: async () => {
      claim ??= claimFolder(dataFolder);
      await server.kill();
      [server] = await plan.launch(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}
