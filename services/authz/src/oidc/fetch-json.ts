/** The part of `fetch` that is used, so that tests can stand in for the network. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Bytes after decompression. Key sets are some kilobytes. */
const MAX_BYTES = 256 * 1024;

/**
 * Fetches a JSON document. Redirects are refused: where keys are found is the administrator's and the issuer's to say,
 * not that of whoever answers there.
 *
 * @throws when there is no answer, it is not 200, too large or not JSON.
 */
export async function fetchJson(fetch: Fetch, url: string, signal: AbortSignal): Promise<unknown> {
  const headers = { accept: 'application/json' };
  const response = await fetch(url, { headers, redirect: 'error', credentials: 'omit', signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new TypeError(`answered ${response.status}`);
  }
  return JSON.parse(await readBounded(response)) as unknown;
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  // Leaving the loop cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new TypeError(`answered more than ${MAX_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
