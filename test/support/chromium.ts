import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const USUAL_PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** A browser under test talks to this machine and to nobody else. */
const OPTIONS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** What Playwright turns off for the sake of screenshots, and everybody's browser does to pages in the background. */
const BACKGROUND = [
  '--disable-back-forward-cache',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

/**
 * The machine's own Chromium, or `CHROMIUM_BIN`. `everyday`: pages in the background are treated as everybody's browser does.
 * `more`: further switches.
 *
 * @throws Error when there is none.
 */
export async function launchChromium(
  manner: 'tame' | 'everyday' = 'tame',
  more: readonly string[] = [],
): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_BIN'] ?? USUAL_PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('no Chromium: install one or set CHROMIUM_BIN');
  return await chromium.launch({
    executablePath,
    args: [...OPTIONS, ...more],
    ...(manner === 'everyday' && { ignoreDefaultArgs: BACKGROUND }),
  });
}

/** Ids of all processes of a browser. */
export async function processesOf(browser: Browser): Promise<readonly number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.map(({ id }) => id);
}
