import { mayActOn, mayReadRow, readableProperties, writableProperties } from './evaluator.ts';
import type { Question } from './evaluator.ts';
import { sameJson } from './expectation.ts';
import type { Properties, Row } from './model.ts';
import type { Image, Schema } from './rights.ts';
import type { World } from './world.ts';

/** Whether the writer may make this row. */
export function mayCreate(world: World, writer: string, row: Row): boolean {
  const [question, image] = [questionOf(world, writer, row.schema), imageOf(row)];
  const writable = writableProperties(question, image);
  return (
    mayActOn(question, image, 'create') && Object.keys(row.properties).every((name) => writable.has(name))
  );
}

/** One version of a row, the other, and what was sent to make it that. */
interface RowChange {
  readonly row: Row;
  readonly next: Row;
  readonly sent: Properties;
}

/**
 * Whether the writer may make one version of a row the other: both must be its to write, all that differs, and all that it
 * sends without being able to see what there is.
 */
export function mayChange(world: World, writer: string, { row, next, sent }: RowChange): boolean {
  const question = questionOf(world, writer, row.schema);
  const [before, after] = [imageOf(row), imageOf(next)];
  if (!mayActOn(question, before, 'update')) return false;
  if (row.owner !== writer && !mayActOn(question, after, 'update')) return false;
  const [was, is] = [writableProperties(question, before), writableProperties(question, after)];
  const seen = mayReadRow(question, before) ? readableProperties(question, before) : new Set<string>();
  const isBlind = (name: string): boolean => Object.hasOwn(sent, name) && !seen.has(name);
  return Object.keys({ ...row.properties, ...next.properties, ...sent })
    .filter((name) => isBlind(name) || !sameJson(own(row.properties, name), own(next.properties, name)))
    .every((name) => was.has(name) && is.has(name));
}

export function questionOf(world: World, writer: string, schema: Schema): Question {
  const credential = writer === world.adminId ? null : world.ticket(writer).credential;
  return { rights: world.model.rights, asker: { principal: writer, credential }, schema, now: Date.now() };
}

/** A row as rules see it; times are in no rule. */
export function imageOf({ uuid, schema, organisation, owner, properties, version }: Row): Image {
  return {
    ...properties,
    _uuid: uuid,
    _register: schema.register,
    _schema: schema.slug,
    _organisation: organisation,
    _owner: owner,
    _version: version,
  };
}

/** RFC 7396 for properties that hold no objects. */
export function merged(properties: Properties, patch: Properties): Properties {
  const next = { ...properties, ...patch };
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== null));
}

export function own(properties: Properties, name: string): unknown {
  return Object.hasOwn(properties, name) ? properties[name] : null;
}
