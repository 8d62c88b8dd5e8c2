import type { Browser, CDPSession } from 'playwright-core';

interface Answer {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
}

/**
 * A tab as users have it. Playwright's own pages believe to be looked at all the time, whatever is in front of them, and so
 * are never hidden or frozen: these are made and driven past it, by the browser's own protocol.
 */
export class BrowserTab implements AsyncDisposable {
  readonly #root: CDPSession;
  readonly #target: string;
  readonly #session: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #sent = 0;

  private constructor(root: CDPSession, target: string, session: string) {
    this.#root = root;
    this.#target = target;
    this.#session = session;
    root.on('Target.receivedMessageFromTarget', this.#receive);
  }

  static async create(root: CDPSession, browserContextId: string): Promise<BrowserTab> {
    const { targetId } = await root.send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await root.send('Target.attachToTarget', { targetId, flatten: false });
    const tab = new BrowserTab(root, targetId, sessionId);
    await tab.send('Page.enable');
    return tab;
  }

  /** A command of the DevTools protocol. @throws Error with what the browser says. */
  async send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#sent;
    const answered = new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    await this.#root.send('Target.sendMessageToTarget', {
      sessionId: this.#session,
      message: JSON.stringify({ id, method, params }),
    });
    const { result = {}, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** The value of an expression, which may be a promise. @throws Error when it throws. */
  async evaluate<T>(expression: string): Promise<T> {
    const order = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', order)) as unknown as Evaluated;
    if (exceptionDetails === undefined) return result.value as T;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** Goes to an address; does not wait for it. */
  async go(url: string): Promise<void> {
    await this.send('Page.navigate', { url });
  }

  /** What the button does. */
  async back(): Promise<void> {
    const { entries, currentIndex } = (await this.send('Page.getNavigationHistory')) as unknown as {
      readonly entries: readonly { readonly id: number }[];
      readonly currentIndex: number;
    };
    await this.send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]?.id });
  }

  /** Puts it in front: whatever tab of the same window was there is hidden. */
  async show(): Promise<void> {
    await this.#root.send('Target.activateTarget', { targetId: this.#target });
  }

  /** Only a hidden tab can be frozen. None of its code runs then: it cannot be evaluated in. */
  async freeze(frozen: boolean): Promise<void> {
    await this.send('Page.setWebLifecycleState', { state: frozen ? 'frozen' : 'active' });
  }

  async setOffline(offline: boolean): Promise<void> {
    await this.send('Network.enable');
    const unlimited = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await this.send('Network.emulateNetworkConditions', { offline, ...unlimited });
  }

  /** As by its cross: nothing is asked. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#root.off('Target.receivedMessageFromTarget', this.#receive);
    await this.#root.send('Target.closeTarget', { targetId: this.#target }).catch(() => undefined);
  }

  readonly #receive = ({ sessionId, message }: { sessionId: string; message: string }): void => {
    if (sessionId !== this.#session) return;
    const answer = JSON.parse(message) as Answer;
    if (answer.id === undefined) return;
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  };
}

/** A browser's profile, with cookies and storage of its own, and one window for its tabs. */
export class BrowserProfile implements AsyncDisposable {
  readonly #root: CDPSession;
  readonly #id: string;

  private constructor(root: CDPSession, id: string) {
    this.#root = root;
    this.#id = id;
  }

  static async create(browser: Browser): Promise<BrowserProfile> {
    const root = await browser.newBrowserCDPSession();
    const { browserContextId } = await root.send('Target.createBrowserContext', {});
    return new BrowserProfile(root, browserContextId);
  }

  /** In front of those that are there. */
  async open(): Promise<BrowserTab> {
    return await BrowserTab.create(this.#root, this.#id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root
      .send('Target.disposeBrowserContext', { browserContextId: this.#id })
      .catch(() => undefined);
    await this.#root.detach().catch(() => undefined);
  }
}
