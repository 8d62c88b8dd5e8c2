import { ALWAYS, compare, NEVER, or, type Condition } from '@tidewire/condition';
import { parseTopic, type Action, type Scopes } from '@tidewire/contract';
import type { SchemaRules } from './schema-rules.ts';

/** Whether a credential's scopes admit an action at all; `list` is reading. */
export function scopeAllows(scopes: Scopes | null, action: Action): boolean {
  const actions = scopes?.actions;
  return actions === undefined || actions.includes(action) || (action === 'list' && actions.includes('read'));
}

/** The rows of a schema inside the topics that a credential is limited to; a malformed topic admits nothing. */
export function scopeRows(scopes: Scopes | null, rules: Pick<SchemaRules, 'schema' | 'register'>): Condition {
  const topics = scopes?.topics;
  return topics === undefined ? ALWAYS : or(...topics.map((topic) => topicRows(topic, rules)));
}

/** The rows of a schema that belong to a public topic. */
export function topicRows(text: string, rules: Pick<SchemaRules, 'schema' | 'register'>): Condition {
  const topic = parseTopic(text);
  switch (topic?.kind) {
    case 'register':
      return topic.register === rules.register.slug ? ALWAYS : NEVER;
    case 'schema':
      return topic.register === rules.register.slug && topic.schema === rules.schema.slug ? ALWAYS : NEVER;
    case 'object':
      return compare('eq', '_uuid', topic.uuid);
    case 'organisation':
      return compare('eq', '_organisation', topic.uuid);
    default:
      return NEVER;
  }
}
