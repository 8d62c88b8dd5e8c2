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

/** The machine's own Chromium, or `CHROMIUM_BIN`. @throws Error when there is none. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_BIN'] ?? USUAL_PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('no Chromium: install one or set CHROMIUM_BIN');
  return await chromium.launch({ executablePath, args: OPTIONS });
}
