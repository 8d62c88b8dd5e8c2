import { QUERY_PARAMETERS } from '@tidewire/contract';
import { readCredential } from '@tidewire/service-kit';

/**
 * The secret that `connection_init` carries: `{token}` or `{authorization: 'Bearer …'}`, in any letter case of the name.
 * Undefined when it carries none, or null; other members are whatever a client likes to tell.
 *
 * @throws TidewireError as {@link readCredential} does.
 */
export function readInitCredential(payload: Readonly<Record<string, unknown>>): string | undefined {
  const tokens = new URLSearchParams();
  const authorization: string[] = [];
  for (const [name, value] of Object.entries(payload)) {
    if (value === null || value === undefined) continue;
    const text = typeof value === 'string' ? value : '';
    if (name.toLowerCase() === 'token') tokens.append(QUERY_PARAMETERS.token, text);
    if (name.toLowerCase() === 'authorization') authorization.push(text);
  }
  const [first] = authorization;
  return readCredential({
    url: `?${tokens.toString()}`,
    headers: first === undefined ? {} : { authorization: first },
    headersDistinct: { authorization },
  })?.secret;
}
