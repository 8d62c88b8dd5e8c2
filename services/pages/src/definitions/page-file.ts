import { LIVE_PAGE_LIMITS } from '@tidewire/contract';
import type { LivePage } from '@tidewire/contract';
import { nearestName } from '@tidewire/service-kit';
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import { findContradictions, pageFileSchema } from './page-schema.ts';
import { keyOffset, valueOffset } from './yaml-place.ts';

/** More are not said at once. */
const MAX_FAULTS = 20;

/** The pages of a file, or what is wrong with it, one fault a line: `pages.yaml:12:9: …`. */
export type ParsedPages =
  | { readonly pages: readonly LivePage[]; readonly faults: readonly [] }
  | { readonly pages: undefined; readonly faults: readonly string[] };

interface Fault {
  /** Into the text. */
  readonly offset: number;
  readonly message: string;
}

/** Reads a file of pages. `name` is what the file is called in faults. Never throws. */
export function parsePages(text: string, name: string): ParsedPages {
  if (Buffer.byteLength(text) > LIVE_PAGE_LIMITS.maxFileBytes) return tooLarge(name);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const found = readDocument(document);
  if ('pages' in found) return { pages: found.pages, faults: [] };
  const faults = found.faults
    .toSorted((a, b) => a.offset - b.offset)
    .slice(0, MAX_FAULTS)
    .map(({ offset, message }) => {
      const { line, col } = lines.linePos(offset);
      return `${name}:${line}:${col}: ${message}`;
    });
  return { pages: undefined, faults };
}

/** The fault of a file that nobody has read, because of its size. */
export function tooLarge(name: string): ParsedPages {
  const message = `the file must have at most ${LIVE_PAGE_LIMITS.maxFileBytes / 1024} KiB`;
  return { pages: undefined, faults: [`${name}:1:1: ${message}`] };
}

type Found = { readonly pages: readonly LivePage[] } | { readonly faults: readonly Fault[] };

function readDocument(document: Document.Parsed): Found {
  const unreadable = [...document.errors, ...document.warnings];
  if (unreadable.length > 0)
    return { faults: unreadable.map(({ pos, message }) => ({ offset: pos[0], message })) };
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { faults: [{ offset: 0, message: (error as Error).message }] };
  }
  const parsed = pageFileSchema.safeParse(content);
  if (!parsed.success) return { faults: parsed.error.issues.flatMap((issue) => faultsOf(issue, document)) };
  const contradictions = findContradictions(parsed.data.pages);
  if (contradictions.length === 0) return parsed.data;
  return {
    faults: contradictions.map(({ path, message }) => ({
      offset: valueOffset(document, path),
      message: `${nameOf(path)} ${message}`,
    })),
  };
}

function faultsOf(issue: z.core.$ZodIssue, document: Document.Parsed): readonly Fault[] {
  if (issue.code !== 'unrecognized_keys') {
    const message = `${nameOf(issue.path)} ${inWords(issue.message)}`;
    return [{ offset: valueOffset(document, issue.path), message }];
  }
  const known = membersOf(pageFileSchema, issue.path);
  return issue.keys.map((key) => ({
    offset: keyOffset(document, [...issue.path, key]),
    message: unknownKey(key, known),
  }));
}

/** What zod says, as the rest of a sentence that begins with the name. */
function inWords(message: string): string {
  return message
    .replace(/^Invalid input: expected (.+), received undefined$/, 'is missing: expected $1')
    .replace(/^Invalid input: expected (.+), received (.+)$/, 'must be $1, not $2')
    .replace(/^Invalid (?:input|option): expected /, 'must be ')
    .replace(/^Too (?:small|big): expected .+ to (be|have) /, 'must $1 ');
}

function unknownKey(key: string, known: readonly string[]): string {
  if (key === 'access')
    return 'access is not supported yet: whoever is signed in may open a page, and sees the rows that they may read';
  const nearest = nearestName(key, known);
  const hint = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`;
  return `${JSON.stringify(key)} is not known here; ${hint}`;
}

/** The members that an object at a place of the schema may have. */
function membersOf(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  if (schema instanceof z.ZodOptional) return membersOf(schema.unwrap() as z.ZodType, path);
  const [first, ...rest] = path;
  if (schema instanceof z.ZodArray) return membersOf(schema.element as z.ZodType, rest);
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  const member = first === undefined ? undefined : shape[String(first)];
  return member === undefined ? Object.keys(shape) : membersOf(member, rest);
}

/** What a place is called: the last name on the way to it. */
function nameOf(path: readonly PropertyKey[]): string {
  const last = path.findLast((part) => typeof part === 'string');
  const index = path.at(-1);
  if (last === undefined) return 'the file';
  return typeof index === 'number' ? `${last}[${index}]` : last;
}
