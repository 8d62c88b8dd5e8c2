import { z } from 'zod';

/** Names that mean something by themselves: as groups of a rule they are known, as created groups they are refused. */
const RESERVED_GROUPS: ReadonlySet<string> = new Set(['admin', 'public', 'authenticated']);

// eslint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

function storable(text: z.ZodString): z.ZodString {
  return text
    .refine((value) => !CONTROL.test(value), 'must not contain control characters')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');
}

/** A name for people. */
export const nameSchema = storable(z.string().min(1).max(200));

/** A group of an organisation. */
export const groupNameSchema = storable(z.string().min(1).max(128)).refine(
  (name) => !RESERVED_GROUPS.has(name),
  'is reserved: "admin", "public" and "authenticated" are not groups that have members',
);

/** Whether PostgreSQL can store the value as JSON, and every parser on the way keeps all of it. */
export function isStorableJson(value: unknown): boolean {
  const text = JSON.stringify(value) ?? '';
  // JSON.stringify writes NUL and lone surrogates as escapes; parsers with prototypes drop a member `__proto__`.
  return !/\\u(?:0000|d[89a-f][0-9a-f]{2})/i.test(text) && !text.includes('"__proto__"');
}
