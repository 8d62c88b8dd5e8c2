import { act, createElement, StrictMode } from 'react';
import type { ReactNode } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import type { Root } from 'react-dom/client';
import { TidewireProvider } from '../src/provider.ts';
import { FakeClient } from './fake-client.ts';
import { FakeClock } from './fake-clock.ts';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

export interface ScreenOptions {
  readonly strict?: boolean;
  /** What a server rendered, to be taken over. */
  readonly html?: string;
  /** A client that was there before. */
  readonly client?: FakeClient;
}

/** A page with a client whose server and time are the test. */
export class Screen implements AsyncDisposable {
  readonly client: FakeClient;
  readonly clock = new FakeClock();
  /** What React recovered from, or what no boundary caught. */
  readonly errors: unknown[] = [];
  readonly #container = document.createElement('div');
  readonly #options: ScreenOptions;
  #root: Root | undefined;

  constructor(options: ScreenOptions = {}) {
    this.#options = options;
    this.client = options.client ?? new FakeClient();
    this.#container.innerHTML = options.html ?? '';
  }

  get text(): string {
    return this.#container.textContent;
  }

  /** A tree below the provider. */
  tree(children: ReactNode): ReactNode {
    const provided = createElement(TidewireProvider, { client: this.client, clock: this.clock }, children);
    return this.#options.strict === true ? createElement(StrictMode, null, provided) : provided;
  }

  async show(children: ReactNode): Promise<void> {
    const note = (error: unknown): void => void this.errors.push(error);
    const handlers = { onRecoverableError: note, onUncaughtError: note, onCaughtError: () => {} };
    await act(async () => {
      if (this.#root !== undefined) this.#root.render(this.tree(children));
      else if (this.#options.html !== undefined) {
        this.#root = hydrateRoot(this.#container, this.tree(children), handlers);
      } else {
        this.#root = createRoot(this.#container, handlers);
        this.#root.render(this.tree(children));
      }
      await Promise.resolve();
    });
  }

  /** Something happens outside of React, and React has done what comes of it. */
  async happen(something: () => unknown): Promise<void> {
    await act(async () => {
      await something();
    });
  }

  async pass(durationMs: number): Promise<void> {
    await this.happen(() => this.clock.pass(durationMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.happen(() => this.#root?.unmount());
  }
}
