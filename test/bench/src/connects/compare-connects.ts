import type { Platform } from '@tidewire/test-kit';
import { percentile, printRow } from '../print.ts';
import { measureConnects } from './measure-connects.ts';
import type { Shown } from './measure-connects.ts';

const PARALLEL = [1, 16, 64];
/** Of one principal: what is looked up is another row each time. */
const TOKENS = 50;

/** How fast subscribers are let in to NATS, against a user of its configuration, about whom nobody is asked. */
export async function compareConnects(platform: Platform, seconds: number): Promise<void> {
  const port = Number(new URL(platform.natsServer).port);
  const { username: user, password: pass } = new URL(platform.natsUrl('records-clients'));
  const tokens = await createTokens(platform);
  const faces: readonly (readonly [string, (count: number) => Shown])[] = [
    ['configured user', () => ({ user, pass })],
    ['API token', (count) => ({ auth_token: tokens[count % TOKENS] ?? '' })],
  ];
  console.log('\nConnections to NATS, each made and left: one process of authz');
  printRow(['', 'connects/s', 'p50 ms', 'p99 ms', 'CPU ms each', 'share', '']);
  for (const parallel of PARALLEL) {
    let base = Number.NaN;
    for (const [name, shown] of faces) {
      await measureConnects(port, shown, { parallel, seconds: 0.5 });
      const before = await authzCpuSeconds(platform);
      const figures = await measureConnects(port, shown, { parallel, seconds });
      const cpuMs = ((await authzCpuSeconds(platform)) - before) * 1000;
      const isAsked = name === 'API token';
      if (!isAsked) base = figures.perSecond;
      printRow([
        `${name}, ${parallel} at a time`,
        Math.round(figures.perSecond),
        percentile(figures.latenciesMs, 0.5),
        percentile(figures.latenciesMs, 0.99),
        isAsked ? (cpuMs / figures.latenciesMs.length).toFixed(2) : '',
        isAsked ? (figures.perSecond / base).toFixed(2) : '',
        figures.refused === 0 ? 'all right' : `${figures.refused} refused`,
      ]);
    }
  }
}

async function createTokens({ origin, adminToken }: Platform): Promise<string[]> {
  const tokens: string[] = [];
  for (let index = 0; index < TOKENS; index += 1) {
    const response = await fetch(`${origin}/api/auth/tokens`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `connects ${index}` }),
    });
    if (!response.ok) throw new Error(`no token: ${response.status}`);
    tokens.push(((await response.json()) as { token: string }).token);
  }
  return tokens;
}

async function authzCpuSeconds({ urls }: Platform): Promise<number> {
  const text = await (await fetch(`${urls['authz']}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
}
