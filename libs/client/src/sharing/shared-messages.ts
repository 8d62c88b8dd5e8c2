/** What tabs say to each other. Anything of the origin can write to a channel: what has not one of these shapes is not ours. */
import type { FieldError, StreamMessage } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import type { LinkStatus } from '../link/link.ts';
import type { Want } from './want.ts';

/**
 * The names of lock and channel hold it: tabs that an app was loaded into before and after it was brought up to date do not
 * understand each other, and share only with their like. It goes up with every change of these messages.
 */
export const SHARING_VERSION = 1;

/** One time in which one tab leads. Later ones have greater terms; of equal ones the name decides. */
export interface Leadership {
  readonly from: string;
  readonly term: number;
}

/** A {@link ClientError} as data, without its cause. */
interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly errors: readonly FieldError[];
  readonly retryAfterMs: number | undefined;
  readonly transient: boolean;
}

/** What a wanter is told. */
export type News =
  { readonly message: StreamMessage } | { readonly interrupted: true } | { readonly ended: ErrorData };

export type StatusData = Omit<LinkStatus, 'error'> & { readonly error: ErrorData | null };

/** One stay of a tab with a leader: what was said in one before does not count. */
interface Session {
  readonly to: string;
  readonly session: number;
}

/** `term` is that of the leader who speaks, or is spoken to; 0 where it is not known. */
export type SharedBody = { readonly term: number } & (
  | /**
     * Who leads? And did the leader hear all `said` that was wanted in this session, and this tab all that it was told? A leader
     * that asks so wants to be asked by those who follow it.
     */
    { readonly type: 'find'; readonly session: number; readonly said: number }
    /** There is, and this is the state of its link. */
  | { readonly type: 'here'; readonly status: StatusData }
  /** It leads no more. */
  | { readonly type: 'gone' }
  /** `number` counts the news of a session from 1. */
  | ({ readonly type: 'news'; readonly number: number; readonly id: string; readonly news: News } & Session)
  /** So much was told in this session; -1: not all was heard. */
  | ({ readonly type: 'told'; readonly number: number } & Session)
  /** A session begins: whatever the tab wanted before it does not want. */
  | ({ readonly type: 'enter' } & Session)
  | ({
      readonly type: 'want';
      readonly id: string;
      readonly want: Want;
      readonly position: string | undefined;
    } & Session)
  | ({ readonly type: 'unwant'; readonly id: string } & Session)
  | { readonly type: 'reconnect'; readonly to: string }
);

export type SharedMessage = SharedBody & Leadership;
export type MessageOf<Type extends SharedMessage['type']> = Extract<SharedMessage, { type: Type }>;

/** A message to which its sender and the term are added. */
export type Untermed<Type extends SharedMessage['type']> = Type extends unknown
  ? Omit<MessageOf<Type>, keyof Leadership>
  : never;

/** A message of a session to which that is added, too. */
export type Unaddressed<Type extends SharedMessage['type']> = Type extends unknown
  ? Omit<MessageOf<Type>, keyof Leadership | keyof Session>
  : never;

export function isLater(one: Leadership, other: Leadership): boolean {
  return one.term > other.term || (one.term === other.term && one.from > other.from);
}

export function toErrorData(error: ClientError): ErrorData {
  const { code, message, status, errors, retryAfterMs, transient } = error;
  return { code, message, status, errors, retryAfterMs, transient };
}

export function fromErrorData({ code, message, ...details }: ErrorData): ClientError {
  return new ClientError(code, message, details);
}

export function toStatusData(status: LinkStatus): StatusData {
  return { ...status, error: status.error && toErrorData(status.error) };
}

export function fromStatusData(status: StatusData): LinkStatus {
  return Object.freeze({ ...status, error: status.error && fromErrorData(status.error) });
}

type Shape = Readonly<Record<string, 'string' | 'number' | 'object'>>;
const ANY: Shape = { type: 'string', from: 'string', term: 'number' };
const SESSION: Shape = { to: 'string', session: 'number' };
const SHAPES: Readonly<Record<SharedMessage['type'], Shape>> = Object.freeze({
  find: { session: 'number', said: 'number' },
  here: { status: 'object' },
  gone: {},
  news: { ...SESSION, number: 'number', id: 'string', news: 'object' },
  told: { ...SESSION, number: 'number' },
  enter: SESSION,
  want: { ...SESSION, id: 'string', want: 'object' },
  unwant: { ...SESSION, id: 'string' },
  reconnect: { to: 'string' },
});

/** Undefined: it is not ours. */
export function parseSharedMessage(data: unknown): SharedMessage | undefined {
  if (!has(data, ANY) || !Number.isSafeInteger(data['term'])) return undefined;
  const type = data['type'] as SharedMessage['type'];
  if (!Object.hasOwn(SHAPES, type) || !has(data, SHAPES[type])) return undefined;
  if (type === 'here' && !has(data['status'], { state: 'string' })) return undefined;
  if (type === 'news' && !isNews(data['news'])) return undefined;
  if (type === 'want' && !isWant(data['want'], data['position'])) return undefined;
  return data as unknown as SharedMessage;
}

function has(value: unknown, shape: Shape): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(shape).every(([name, type]) => {
    const member: unknown = Reflect.get(value, name);
    return typeof member === type && member !== null;
  });
}

function isNews(news: unknown): boolean {
  return has(news, { message: 'object' })
    ? has(news['message'], { type: 'string' })
    : has(news, { ended: 'object' })
      ? has(news['ended'], { code: 'string', message: 'string' })
      : typeof news === 'object' && news !== null && 'interrupted' in news;
}

function isWant(want: unknown, position: unknown): boolean {
  if (position !== undefined && typeof position !== 'string') return false;
  if (!has(want, { kind: 'string' })) return false;
  switch (want['kind']) {
    case 'subscription':
      return has(want['wish'], { table: 'string' }) || has(want['wish'], { topic: 'string' });
    case 'page':
      return typeof want['pagePath'] === 'string';
    case 'edit':
      return (
        has(want['edit'], { table: 'string', recordId: 'string' }) && Array.isArray(want['edit']['fields'])
      );
    default:
      return false;
  }
}
