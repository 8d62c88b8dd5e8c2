import type { ServerResponse } from 'node:http';
import { HTTP_HEADERS, PROTOCOL_VERSION, SSE_EVENTS, errorCodeRow } from '@tidewire/contract';
import type { AuditEntry, AuditResync, ErrorCode, StreamEnd } from '@tidewire/contract';

export const SSE_MEDIA_TYPE = 'text/event-stream';

/** Close codes from here on say: do not come back with the same request. */
const FIRST_FINAL_CLOSE_CODE = 4500;
/** When a client shall come back, milliseconds. */
const RETRY_MS = 3000;

/** The write side of one stream of the log. Whoever writes waits for `drained` between pages. */
export interface AuditSink {
  /** @param onClose called once when the connection is closed, by whichever side. */
  begin(onClose: () => void): void;
  /** The cursor moves on without an entry. */
  cursor(id: string): void;
  entry(entry: AuditEntry): void;
  resync(resync: AuditResync): void;
  heartbeat(): void;
  /** Says why, then closes. */
  end(code: ErrorCode, reason: string): void;
  /** Closes without a word: for a client that takes nothing. */
  reset(): void;
  /** Resolves when more can be written without queueing, or the connection is closed. */
  drained(): Promise<void>;
}

/** A sink on an HTTP answer; `headers` are those that every answer has. */
export function createAuditSink(
  response: ServerResponse,
  headers: Readonly<Record<string, number | string | string[] | undefined>>,
): AuditSink {
  const write = (text: string): void => {
    if (response.writable) response.write(text);
  };
  return {
    begin(onClose) {
      response.writeHead(200, {
        ...headers,
        'content-type': SSE_MEDIA_TYPE,
        'cache-control': 'no-cache',
        // The socket ends with the stream: a server that stops would wait for it otherwise.
        'connection': 'close',
        'x-accel-buffering': 'no',
        [HTTP_HEADERS.protocol]: PROTOCOL_VERSION,
      });
      response.on('close', onClose);
      // A connection that breaks is closed, which is all that there is to know.
      response.on('error', () => undefined);
      write(`retry: ${RETRY_MS}\n\n`);
    },
    cursor: (id) => write(`id: ${id}\n\n`),
    entry: (entry) => write(`id: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`),
    resync: (resync) =>
      write(`event: ${SSE_EVENTS.resync}\nid: ${resync.current}\ndata: ${JSON.stringify(resync)}\n\n`),
    heartbeat: () => write(': heartbeat\n\n'),
    end(code, reason) {
      const { close } = errorCodeRow(code);
      const end: StreamEnd = {
        code,
        reason,
        reconnect: close === undefined || close < FIRST_FINAL_CLOSE_CODE,
      };
      write(`event: ${SSE_EVENTS.end}\ndata: ${JSON.stringify(end)}\n\n`);
      response.end();
    },
    reset: () => response.destroy(),
    async drained() {
      if (!response.writable || !response.writableNeedDrain) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      response.once('drain', resolve);
      response.once('close', resolve);
      await promise;
      response.off('drain', resolve);
      response.off('close', resolve);
    },
  };
}
