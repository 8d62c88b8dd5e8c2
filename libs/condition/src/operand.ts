import type { Scalar } from './condition.ts';
import type { FieldType } from './field-types.ts';
import { parseInstant } from './instant.ts';
import { refuse } from './problem.ts';

/**
 * A client's value in the type of its field: a text from a query string is read (`"3"` -> 3 for an
 * integer), a JSON value must already have that type or be such a text. An instant becomes epoch
 * milliseconds. Throws `FilterError` naming what was expected.
 */
export function readValue(field: string, type: FieldType, value: unknown): Scalar {
  if (typeof value === 'string') {
    if (value.includes('\u0000') || !value.isWellFormed())
      refuse(field, `The value of '${field}' is not valid text`);
    return readText(field, type, value);
  }
  if (typeof value === 'number' && fitsNumber(type, value)) return value;
  if (typeof value === 'boolean' && (type === 'boolean' || type === 'unknown')) return value;
  return refuse(field, expectation(field, type));
}

function readText(field: string, type: FieldType, text: string): Scalar {
  switch (type) {
    case 'integer':
    case 'number': {
      const number = JSON_NUMBER.test(text) ? Number(text) : Number.NaN;
      return fitsNumber(type, number) ? number : refuse(field, expectation(field, type));
    }
    case 'boolean':
      return text === 'true' || (text === 'false' ? false : refuse(field, expectation(field, type)));
    case 'instant':
      return parseInstant(restorePlus(text)) ?? refuse(field, expectation(field, type));
    default:
      return text;
  }
}

const JSON_NUMBER = /^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?$/;

function fitsNumber(type: FieldType, value: number): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  return (type === 'number' || type === 'unknown') && Number.isFinite(value);
}

/** `+02:00` written unescaped in a query string arrives as ` 02:00`; nothing else can be meant. */
function restorePlus(text: string): string {
  return text.replace(/ ([0-9]{2}:[0-9]{2})$/, (all, offset: string) =>
    text.length > 20 ? `+${offset}` : all,
  );
}

function expectation(field: string, type: FieldType): string {
  switch (type) {
    case 'integer':
      return `'${field}' is compared with a whole number`;
    case 'number':
      return `'${field}' is compared with a number`;
    case 'boolean':
      return `'${field}' is compared with true or false`;
    case 'instant':
      return `'${field}' is compared with a date and time such as 2026-03-01T12:00:00Z`;
    case 'string':
      return `'${field}' is compared with a text`;
    default:
      return `'${field}' is compared with a text, a number, true or false`;
  }
}
