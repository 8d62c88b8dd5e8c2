import { readProcessFigures } from '../process-figures.ts';

/** What a process keeps in memory, kilobytes. */
export interface MemoryFigures {
  readonly resident: number;
  /** Objects of JavaScript that are in use. */
  readonly heap: number;
}

interface Reply {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

const INSPECTOR = 'http://127.0.0.1:9229/json/list';
const PATIENCE_MS = 5000;

/**
 * What a Node process keeps after everything that it does not need was collected. Opens its inspector, for good (SIGUSR1).
 *
 * @throws Error when that does not answer, for instance because another process has its port.
 */
export async function readMemoryFigures(pid: number): Promise<MemoryFigures> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await findInspector());
  await new Promise((open, failed) => {
    socket.addEventListener('open', open);
    socket.addEventListener('error', failed);
  });
  let lastId = 0;
  const ask = (method: string, params: Record<string, unknown> = {}): Promise<Reply> =>
    new Promise((answered) => {
      lastId += 1;
      const id = lastId;
      const read = ({ data }: MessageEvent): void => {
        const reply = JSON.parse(String(data)) as Reply;
        if (reply.id !== id) return;
        socket.removeEventListener('message', read);
        answered(reply);
      };
      socket.addEventListener('message', read);
      socket.send(JSON.stringify({ id, method, params }));
    });
  const evaluate = async (expression: string): Promise<number> =>
    Number((await ask('Runtime.evaluate', { expression, returnByValue: true })).result?.result?.value);
  try {
    if ((await evaluate('process.pid')) !== pid) throw new Error('another process has the inspector');
    await ask('HeapProfiler.collectGarbage');
    const heap = (await evaluate('process.memoryUsage().heapUsed')) / 1024;
    return { resident: readProcessFigures(pid)?.residentKilobytes ?? Number.NaN, heap };
  } finally {
    socket.close();
  }
}

async function findInspector(): Promise<string> {
  for (const until = performance.now() + PATIENCE_MS; ;) {
    try {
      const targets = (await (await fetch(INSPECTOR)).json()) as { readonly webSocketDebuggerUrl: string }[];
      return targets[0]?.webSocketDebuggerUrl ?? '';
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((again) => {
        setTimeout(again, 50);
      });
    }
  }
}
