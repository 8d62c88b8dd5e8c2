import type { Column } from './column.ts';

/** Longer texts are cut: a table is not where they are read. */
const MAX_TEXT = 200;

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
const times = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const numbers = new Map<number, Intl.NumberFormat>();

/** A value as people read it. Nothing is the empty text. */
export function formatValue(value: unknown, { kind, decimals }: Pick<Column, 'kind' | 'decimals'>): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (typeof value === 'number' && kind === 'number') return formatNumber(value, decimals);
  if (typeof value === 'string') {
    const moment = kind === 'date' || kind === 'time' ? new Date(value) : undefined;
    if (moment === undefined || Number.isNaN(moment.getTime())) return cut(value);
    return kind === 'date' ? dates.format(moment) : times.format(moment);
  }
  return cut(JSON.stringify(value));
}

function formatNumber(value: number, decimals: number): string {
  let format = numbers.get(decimals);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    numbers.set(decimals, format);
  }
  return format.format(value);
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** Whether somebody can write such a value in a cell. */
export function isEditable({ writable, kind }: Column, value: unknown): boolean {
  return writable && kind !== 'other' && (typeof value !== 'object' || value === null);
}

/** A value as it is typed. */
export function draftOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What was typed, as the value that it means: nothing is null, which takes a value away. */
export function readDraft(
  draft: string,
  kind: Column['kind'],
): { readonly value: string | number | boolean | null } | { readonly fault: string } {
  const text = draft.trim();
  if (text === '') return { value: null };
  if (kind === 'boolean') return { value: text === 'true' };
  if (kind !== 'number') return { value: draft };
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? { value: number } : { fault: 'Write a number, such as 12.5' };
}
