import { TidewireError, uuidSchema } from '@tidewire/contract';

/** What is no UUID names nothing. `message`: how the face says so. @throws TidewireError NOT_FOUND */
export function requireUuid(text: string, message = 'Not found.'): string {
  const parsed = uuidSchema.safeParse(text);
  if (!parsed.success) throw new TidewireError('NOT_FOUND', message);
  return parsed.data;
}
