import { createHash } from 'node:crypto';
import { HTTP_HEADERS, TidewireError } from '@tidewire/contract';
import type { HttpReply, HttpRequest } from '@tidewire/service-kit';

/** An answer that a reader may have already. */
export interface TaggedAnswer {
  /** What the tag is made of. */
  readonly content: Readonly<Record<string, unknown>>;
  /** Members beside it that change while the content does not: where the answer stands in the log, what to send next. */
  readonly place?: Readonly<Record<string, unknown>>;
  /** Of a single object: stands in its tag, so that the tag can be sent as `If-Match`. */
  readonly version?: number;
  /** The place in the log that the answer includes. */
  readonly position: string;
}

/**
 * Sends an answer with its `ETag`, or 304 when the reader has one of the same content. Either way it says how far the log
 * is included: a reader whose content is the same subscribes from there.
 */
export function sendTagged(request: HttpRequest, reply: HttpReply, answer: TaggedAnswer): HttpReply {
  const { content, place = {}, version, position } = answer;
  // Written once: the answer is this text and the members of the place.
  const text = JSON.stringify(content);
  const digest = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  const tag = version === undefined ? `"${digest}"` : `"${version}-${digest}"`;
  void reply.header('etag', tag).header(HTTP_HEADERS.position, position);
  if (version !== undefined) void reply.header(HTTP_HEADERS.version, version);
  if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
  const rest = JSON.stringify(place).slice(1);
  const separator = text === '{}' || rest === '}' ? '' : ',';
  return reply.type('application/json; charset=utf-8').send(`${text.slice(0, -1)}${separator}${rest}`);
}

const TAGS = /^\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(?:,\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*$/;

/** Tags are compared weakly (RFC 9110, 13.1.2): a proxy that compresses answers makes ours weak. */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  if (!TAGS.test(header))
    throw new TidewireError('BAD_REQUEST', 'If-None-Match takes the ETag of an answer.');
  return header.split(',').some((given) => given.trim().replace(/^W\//, '') === tag);
}
