import { request } from 'node:http';
import type { RequestOptions } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ServerKind } from './test-run.ts';

const pingTimeoutMs = 1000;

/** Where container engines listen: `DOCKER_HOST`, or else the usual sockets. */
function engineAddresses(): RequestOptions[] {
  const given = process.env['DOCKER_HOST'];
  if (given === undefined || given === '') {
    return ['/var/run/docker.sock', join(homedir(), '.docker', 'run', 'docker.sock')].map((socketPath) => ({
      socketPath,
    }));
  }
  if (!URL.canParse(given)) return [];
  const { protocol, hostname, port, pathname } = new URL(given);
  return protocol === 'unix:'
    ? [{ socketPath: pathname }]
    : [{ host: hostname, port: port === '' ? 2375 : port }];
}

function ping(address: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...address, path: '/_ping', timeout: pingTimeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });
}

/**
 * Containers where an engine answers and has the images or can pull them, else the programs that `npm start` uses.
 * Asked once per run, by its keeper.
 */
export async function chooseServerKind(): Promise<ServerKind> {
  const answers = await Promise.all(engineAddresses().map(ping));
  if (!answers.includes(true)) return { containers: false, reason: 'no container engine answers' };
  try {
    const { pullImages } = await import('./container-servers.ts');
    await pullImages();
    return { containers: true, reason: 'a container engine answers' };
  } catch (error) {
    return { containers: false, reason: `a container engine answers, but: ${(error as Error).message}` };
  }
}
