/** Who is signed in, as far as pages need to know. */
export interface Caller {
  readonly id: string;
  readonly name: string;
}

interface Problem {
  readonly message?: string;
}

const AWAY = 'The server does not answer.';

/** Whose session cookie this browser has; null: nobody's. @throws Error in words for people. */
export async function fetchCaller(signal: AbortSignal): Promise<Caller | null> {
  const answer = await request('/api/auth/me', { signal });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(await messageOf(answer));
  const { principal } = (await answer.json()) as { principal: Caller };
  return principal;
}

/** Opens a session. @throws Error in words for people. */
export async function signIn(username: string, password: string): Promise<void> {
  const answer = await request('/api/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  if (!answer.ok) throw new Error(await messageOf(answer));
}

/** Ends the session. @throws Error when nobody knows whether it has ended. */
export async function signOut(): Promise<void> {
  const answer = await request('/api/auth/logout', { method: 'POST' });
  if (!answer.ok) throw new Error(await messageOf(answer));
}

async function request(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { cache: 'no-store', ...init });
  } catch (cause) {
    throw new Error(AWAY, { cause });
  }
}

async function messageOf(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as Problem;
  return problem.message ?? AWAY;
}
