import type { Logger } from '@tidewire/service-kit';
import type { AppBundle } from './app-bundle.ts';
import { loadApps } from './built-apps.ts';

/**
 * The apps, loaded when they are asked for first: a service that starts beside others has better use for its time. What
 * failed is tried again with the next request.
 */
export function createLazyBundle(
  logger: Logger,
  make: () => Promise<AppBundle> = loadApps,
): () => Promise<AppBundle> {
  let made: Promise<AppBundle> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      logger.error('the apps could not be bundled', { error });
      throw error;
    });
    return made;
  };
}
