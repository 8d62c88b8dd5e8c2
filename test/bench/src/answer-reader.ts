interface AnswerListener {
  readonly onAnswer: (status: number, body: string) => void;
}

/**
 * Reads HTTP/1.1 answers with a length, one after the other, from the bytes of a socket, split anywhere. Like the reader
 * of streams it is the benchmark's own.
 */
export function createAnswerReader({ onAnswer }: AnswerListener): { readonly push: (bytes: Buffer) => void } {
  let head = '';
  let status = 0;
  let parts: Buffer[] = [];
  /** Bytes of the body that are still to come; undefined while the head is read. */
  let left: number | undefined;

  const readHead = (bytes: Buffer, from: number): number => {
    const before = head.length;
    head += bytes.toString('latin1', from);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return bytes.length;
    status = Number(head.slice(9, 12));
    left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    head = '';
    return from + end + 4 - before;
  };
  return {
    push(bytes) {
      let at = 0;
      while (at < bytes.length) {
        if (left === undefined) {
          at = readHead(bytes, at);
          continue;
        }
        const end = Math.min(bytes.length, at + left);
        parts.push(bytes.subarray(at, end));
        left -= end - at;
        at = end;
        if (left > 0) continue;
        const body = Buffer.concat(parts).toString('utf8');
        parts = [];
        left = undefined;
        onAnswer(status, body);
      }
    },
  };
}
