import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tidewire/test-kit';

/** nginx with the nchan module: what Tidewire's cost is compared with. */
export interface Nchan extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Path of its one channel, for subscribers. */
  readonly path: string;
  /** The process that does the work. */
  readonly pid: number;
  readonly publish: (text: string) => Promise<void>;
}

export const HOW_TO_GET_NCHAN = 'Debian and Ubuntu: apt-get install nginx libnginx-mod-nchan';
const PROGRAMS = ['/usr/sbin/nginx', '/usr/bin/nginx'];
const MODULES = [
  '/usr/lib/nginx/modules/ngx_nchan_module.so',
  '/usr/lib64/nginx/modules/ngx_nchan_module.so',
];
const HOST = '127.0.0.1';
const START_MS = 5000;

/** Starts it with one worker, on loopback, with files of its own; undefined when it is not installed. */
export async function startNchan(connections: number): Promise<Nchan | undefined> {
  const program = PROGRAMS.find(isThere);
  const module = MODULES.find(isThere);
  if (program === undefined || module === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tidewire-nchan-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration({ folder, module, port, connections }));
  const master = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((end) => {
    master.once('exit', end);
  });
  // It does not end with us by itself.
  const kill = (): void => void master.kill('SIGTERM');
  process.once('exit', kill);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, kill);
  const stop = async (): Promise<void> => {
    kill();
    await ended;
    process.off('exit', kill);
    agent.destroy();
    rmSync(folder, { recursive: true, force: true });
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const publish = (text: string): Promise<void> => post(agent, port, text);
  try {
    await untilAnswering(() => publish('{}'));
    return {
      host: HOST,
      port,
      path: '/sub',
      pid: workerOf(master.pid ?? 0),
      publish,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Place {
  readonly folder: string;
  readonly module: string;
  readonly port: number;
  readonly connections: number;
}

function configuration({ folder, module, port, connections }: Place): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
load_module ${module};
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections ${connections * 2}; }
worker_rlimit_nofile ${connections * 2};
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  nchan_shared_memory_size 128M;
  keepalive_requests 1000000;
  server {
    listen ${HOST}:${port} backlog=4096;
    location = /sub {
      nchan_subscriber websocket;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
      nchan_websocket_ping_interval 30;
    }
    location = /pub {
      nchan_publisher http;
      nchan_channel_id bench;
      nchan_message_buffer_length 200;
      nchan_message_timeout 10s;
    }
  }
}
`;
}

function post(agent: Agent, port: number, text: string): Promise<void> {
  return new Promise((published, failed) => {
    const sent = request({ agent, host: HOST, port, path: '/pub', method: 'POST' }, (response) => {
      response.resume();
      if ((response.statusCode ?? 500) < 300) published();
      else failed(new Error(`nchan refused a message with ${response.statusCode}`));
    });
    sent.on('error', failed);
    sent.end(text);
  });
}

async function untilAnswering(ask: () => Promise<void>): Promise<void> {
  for (const until = performance.now() + START_MS; ;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((again) => {
        setTimeout(again, 50);
      });
    }
  }
}

function workerOf(master: number): number {
  return Number(readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ')[0]);
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
