import { TidewireError } from '@tidewire/contract';

const MAX_TEXT = 500;
const MAX_FRAMES = 12;
const MAX_CAUSES = 3;

/** `?token=...` and its kin in a URL, and user information before an `@`. */
const QUERY_SECRET = /([?&](?:token|access_token|code|password|secret)=)[^&\s#]*/gi;
const USER_INFORMATION = /(\b[a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/gi;
/** What libraries put between quotation marks is usually a piece of the input, which may hold such marks itself. */
const QUOTED = /["'`].*["'`]/s;

/** A text with query tokens and passwords of URLs replaced by `***`, at most 500 characters long. */
export function redactText(text: string): string {
  return text.slice(0, MAX_TEXT).replace(QUERY_SECRET, '$1***').replace(USER_INFORMATION, '$1***@');
}

/** What a log line says about an error. */
export interface ErrorDescription {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  /** Table and constraint of a refused statement; names, never values. */
  readonly constraint?: string;
  readonly table?: string;
  readonly stack?: readonly string[];
  readonly cause?: ErrorDescription;
}

/**
 * Describes an error for the log. Names, codes and places are kept; messages lose everything in quotation marks, and
 * messages of parsers and of the database are left out altogether, because those repeat what they were given.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { name: typeof error };
  const facts = error as Error & {
    code?: unknown;
    constraint?: unknown;
    table?: unknown;
    severity?: unknown;
  };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    ...(typeof facts.code === 'string' ? { code: facts.code } : {}),
    ...(repeatsInput(error) ? {} : { message: redactText(error.message.replace(QUOTED, '…')) }),
    ...(typeof facts.constraint === 'string' ? { constraint: facts.constraint } : {}),
    ...(typeof facts.table === 'string' ? { table: facts.table } : {}),
    ...(frames.length > 0 ? { stack: frames.slice(0, MAX_FRAMES).map((line) => line.trim()) } : {}),
    ...(error.cause !== undefined && depth < MAX_CAUSES
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
  };
}

function repeatsInput(error: Error): boolean {
  // `severity` is what errors of the PostgreSQL server carry; their texts quote values without quotation marks too.
  return (
    error instanceof SyntaxError ||
    error instanceof TidewireError ||
    error.name === 'ZodError' ||
    'severity' in error
  );
}
