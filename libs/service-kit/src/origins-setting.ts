import { z } from 'zod';
import type { BaseConfig } from './config.ts';

const ANY_LOOPBACK_PORT = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\]):\*$/;

/** Origins, separated by commas: exact, or `http://localhost:*` for every port of a loopback host. */
export function originsSetting(): z.ZodType<readonly string[], string> {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    )
    .refine(
      (entries) => entries.every((entry) => ANY_LOOPBACK_PORT.test(entry) || isOrigin(entry)),
      'must be origins such as https://app.example, separated by commas; only loopback hosts may have the port *',
    );
}

/** Origins whose pages may use this installation: its own first. */
export function allowedOrigins(
  config: Pick<BaseConfig, 'TIDEWIRE_PUBLIC_URL' | 'TIDEWIRE_ALLOWED_ORIGINS'>,
): readonly string[] {
  return [new URL(config.TIDEWIRE_PUBLIC_URL).origin, ...config.TIDEWIRE_ALLOWED_ORIGINS];
}

function isOrigin(entry: string): boolean {
  if (!/^https?:\/\/[^*]+$/.test(entry) || !URL.canParse(entry)) return false;
  // What a browser sends is exactly this: lower case, no path, no standard port.
  return new URL(entry).origin === entry;
}
