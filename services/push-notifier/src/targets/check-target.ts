import { TidewireError } from '@tidewire/contract';
import { readTargetUrl } from './target-url.ts';
import type { TargetRules } from './target-url.ts';

export interface CheckTargetOptions extends TargetRules {
  /** Pointer to the member that holds the URL; `/url` when absent. */
  readonly field?: string;
}

/**
 * The URL that a user gave, when something is registered that will be posted there. Names are looked up when it is posted:
 * what they lead to may be another thing by then.
 *
 * @throws TidewireError VALIDATION_ERROR that says what is wrong with it.
 */
export function checkTarget(text: string, { allowPrivate, field = '/url' }: CheckTargetOptions): URL {
  const read = readTargetUrl(text, { allowPrivate });
  if (read.ok) return read.url;
  throw new TidewireError('VALIDATION_ERROR', `${field.slice(1)} ${read.problem}.`, {
    errors: [{ field, message: read.problem }],
  });
}
