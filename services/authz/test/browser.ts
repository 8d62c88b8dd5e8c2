import type { Answer, RunningAuthz } from './start-authz.ts';

export const OWN_ORIGIN = 'http://127.0.0.1:8080';
export const PASSWORD = 'correct horse battery staple';

/** A browser with one page of this origin, and the cookie that it was given. */
export interface Browser {
  /** As the server set it, without attributes; undefined when there is none. */
  cookie: string | undefined;
  /** All of the last `Set-Cookie`. */
  setCookie: string | undefined;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  login(username: string, password?: string): Promise<Answer>;
}

export function openBrowser(authz: RunningAuthz, origin: string | null = OWN_ORIGIN): Browser {
  const browser: Browser = {
    cookie: undefined,
    setCookie: undefined,
    async ask(method, path, body, headers) {
      const response = await fetch(`${authz.service.address}${path}`, {
        method,
        headers: {
          ...(browser.cookie === undefined ? {} : { cookie: browser.cookie }),
          ...(origin === null || method === 'GET' ? {} : { origin }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      browser.setCookie = response.headers.get('set-cookie') ?? undefined;
      if (browser.setCookie !== undefined) {
        const pair = browser.setCookie.split(';', 1)[0] ?? '';
        browser.cookie = pair.endsWith('=') ? undefined : pair;
      }
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
    login: (username, password = PASSWORD) => browser.ask('POST', '/api/auth/login', { username, password }),
  };
  return browser;
}
