import type { Policy, registerViewSchema, schemaViewSchema } from '@tidewire/contract';
import type { z } from 'zod';

export type PolicyTarget = Policy['target'];
/** A policy as the API shows it. */
export type PolicyView = Omit<Policy, 'kind' | 'removed'>;
export type RegisterView = z.infer<typeof registerViewSchema>;
export type SchemaView = z.infer<typeof schemaViewSchema>;

/** The rules of a policy as somebody edits them: what PUT takes, and nothing that does not concern its target. */
export function formatRules(target: PolicyTarget, policy: Partial<PolicyView>): string {
  const { authorization = null, properties = {}, roles = [] } = policy;
  return JSON.stringify(
    target === 'register' ? { authorization, roles } : { authorization, properties },
    null,
    2,
  );
}

export type ParsedRules =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: string };

/** The rules that a text says, or why it is no JSON, in the browser's words. */
export function parseRules(text: string): ParsedRules {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, fault: error instanceof Error ? error.message : String(error) };
  }
}

/** In a word or two what a policy says. */
export function summarize({ authorization, properties, roles }: Partial<PolicyView>): string {
  const actions = Object.keys(authorization ?? {}).filter((name) => name !== 'roles');
  const parts = [
    ...(actions.length === 0 ? [] : [`rules for ${actions.join(', ')}`]),
    ...countOf(Object.keys(properties ?? {}).length, 'property with rules', 'properties with rules'),
    ...countOf((roles ?? []).length, 'role', 'roles'),
  ];
  return parts.length === 0 ? 'no rules of its own' : parts.join('; ');
}

function countOf(count: number, one: string, many: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
}

/** A register or schema that has rules, or may have some. */
export interface PolicyEntry {
  readonly target: PolicyTarget;
  readonly id: string;
  readonly title: string;
  /** What addresses name it by. */
  readonly path: string;
}

/** Registers in the order of their slugs, the schemas of each below it. */
export function entriesOf(
  registers: readonly RegisterView[],
  schemas: readonly SchemaView[],
): readonly PolicyEntry[] {
  const bySlug = (one: { slug: string }, other: { slug: string }): number => (one.slug < other.slug ? -1 : 1);
  return registers.toSorted(bySlug).flatMap(({ id, slug, title }) => [
    { target: 'register' as const, id, title: title || slug, path: slug },
    ...schemas
      .filter(({ register }) => register === slug || register === id)
      .toSorted(bySlug)
      .map((schema) => ({
        target: 'schema' as const,
        id: schema.id,
        title: schema.title || schema.slug,
        path: `${slug}/${schema.slug}`,
      })),
  ]);
}
