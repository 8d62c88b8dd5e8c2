import type { ProxyFile } from '../support/faulty-proxy.ts';

/** What the page does with the client under test. Everything that happens to it is kept, in order. */
const DRIVER = `
  const driver = { token: null, asked: 0, errors: [], told: [], events: [], resyncs: 0, conflicts: [], shown: [] };
  window.driver = driver;
  window.addEventListener('error', ({ message }) => driver.errors.push(message));
  window.addEventListener('unhandledrejection', ({ reason }) => driver.errors.push(String(reason)));
  window.addEventListener('pageshow', ({ persisted }) => driver.shown.push(persisted));

  driver.open = ({ session, ...options }) => {
    const getToken = () => {
      driver.asked += 1;
      return driver.token;
    };
    driver.client = Tidewire.createClient({ url: location.origin, ...(!session && { getToken }), ...options });
    driver.client.onStatus(driver.note);
  };
  driver.follow = (options) => {
    driver.source = driver.client.dataSource(options);
    driver.source.onConflict((conflict) => driver.conflicts.push(conflict));
    driver.source.subscribe(driver.note);
    driver.note();
  };
  driver.subscribe = (options) => {
    driver.client.subscribe(options, {
      event: ({ event, record }) => {
        if (event === 'insert') driver.events.push(record.fields.titel);
      },
      resync: () => { driver.resyncs += 1; },
    });
  };
  driver.note = () => {
    const { state } = driver.source?.getSnapshot() ?? {};
    const { transport, state: link } = driver.client.getStatus();
    const last = driver.told.at(-1);
    if (last?.state === state && last.transport === transport && last.link === link) return;
    driver.told.push({ state, transport, link, at: Math.round(performance.now()) });
  };
  driver.describe = () => {
    const { rows, state, error, total } = driver.source.getSnapshot();
    const { transport, state: link } = driver.client.getStatus();
    return { rows, state, total, transport, link, error: error && { code: error.code, status: error.status } };
  };
`;

const PAGE = `<!doctype html><meta charset="utf-8"><title>Client</title>
<script src="/page/client.js"></script><script src="/page/driver.js"></script>`;

export const PAGE_PATHS = Object.freeze({ client: '/page/client', elsewhere: '/page/elsewhere' });

/** What a proxy serves for pages to run the client, which is given as a script. */
export function pageFiles(client: string): ReadonlyMap<string, ProxyFile> {
  return new Map([
    [PAGE_PATHS.client, { type: 'text/html', body: PAGE }],
    [PAGE_PATHS.elsewhere, { type: 'text/html', body: '<!doctype html><title>Elsewhere</title>' }],
    ['/page/client.js', { type: 'text/javascript', body: client }],
    ['/page/driver.js', { type: 'text/javascript', body: DRIVER }],
  ]);
}
