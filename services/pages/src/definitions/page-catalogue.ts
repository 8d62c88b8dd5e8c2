import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { LIVE_PAGE_LIMITS } from '@tidewire/contract';
import type { LivePage, LivePageList } from '@tidewire/contract';
import type { Clock, Logger, Timer } from '@tidewire/service-kit';
import { parsePages, tooLarge } from './page-file.ts';
import type { ParsedPages } from './page-file.ts';

/** How often the file is looked at. Watching it would not see a file that is put in the place of another. Milliseconds. */
const LOOK_MS = 1000;

export interface PageCatalogueOptions {
  /** Undefined: there are no pages. */
  readonly file: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The pages of a file as it is now; while something is wrong with it, those of before. */
export class PageCatalogue {
  readonly #options: PageCatalogueOptions;
  #pages: readonly LivePage[] = [];
  #faults: readonly string[] = [];
  /** Text of the last reading, or why there was none. */
  #seen: string | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: PageCatalogueOptions) {
    this.#options = options;
  }

  /** Reads the file, and again whenever it changes. A file that is wrong does not keep the service from starting. */
  async start(): Promise<void> {
    await this.look();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  list(): LivePageList {
    const pages = this.#pages.map(({ name, path, title }) => ({
      name,
      path,
      ...(title !== undefined && { title }),
    }));
    return { pages, faults: [...this.#faults] };
  }

  find(path: string): LivePage | undefined {
    return this.#pages.find((page) => page.path === path);
  }

  /** Reads the file if it is another than before. */
  async look(): Promise<void> {
    const { file, logger } = this.#options;
    if (file === undefined) return;
    const name = basename(file);
    const text = await readBounded(file).catch((error: NodeJS.ErrnoException) => error);
    const seen = typeof text === 'string' ? `read ${text}` : `unread ${text?.code ?? 'large'}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const { pages, faults } = parsed(text, name);
    this.#faults = faults;
    if (pages === undefined) {
      logger.error('the file of pages is wrong, and the pages are those of before', {
        count: this.#pages.length,
      });
      for (const fault of faults) logger.error('fault in the file of pages', { reason: fault });
      return;
    }
    this.#pages = pages;
    logger.info('pages were read', { count: pages.length });
  }

  #schedule(): void {
    if (this.#stopped || this.#options.file === undefined) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      void this.look().finally(() => this.#schedule());
    }, LOOK_MS);
  }
}

function parsed(text: string | NodeJS.ErrnoException | undefined, name: string): ParsedPages {
  if (typeof text === 'string') return parsePages(text, name);
  if (text === undefined) return tooLarge(name);
  return { pages: undefined, faults: [`${name}: cannot be read (${text.code ?? text.message})`] };
}

/** Undefined for a file that is larger than one may be; of it no more is read than that takes. */
async function readBounded(path: string): Promise<string | undefined> {
  await using file = await open(path);
  const buffer = Buffer.alloc(LIVE_PAGE_LIMITS.maxFileBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) break;
  }
  return length > LIVE_PAGE_LIMITS.maxFileBytes ? undefined : buffer.toString('utf8', 0, length);
}
