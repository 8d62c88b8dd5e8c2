import { GRAPHQL_EVENTS, formatEventId } from '@tidewire/contract';
import type { LogPosition, ObjectMessage, SystemField, Transition } from '@tidewire/contract';
import { describeFieldProblem } from '@tidewire/graphql';
import type { EventSelection, SelectedField } from '@tidewire/graphql';

/** What became of a property that somebody selected. */
export type SelectedValue =
  /** JSON text. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'forbidden' }
  /** The stored value is none of the field's type. */
  | { readonly kind: 'unfit' };

/** A change as one kind of reader may see it, and what it selects of it. */
export interface SelectedChange {
  readonly position: LogPosition;
  readonly message: ObjectMessage;
  readonly transition: Transition;
  readonly selection: EventSelection;
  /** Undefined where the transition shows nothing of the object. */
  readonly image:
    | {
        /** JSON text. */
        readonly system: (name: SystemField) => string;
        readonly property: (field: PropertyField) => SelectedValue;
      }
    | undefined;
  /** Names of the properties that an update changed, as far as they may be read. */
  readonly changed: readonly string[];
}

export type PropertyField = Extract<SelectedField['means'], { kind: 'property' }>;

/**
 * The result of a subscription for one event, as one line of JSON: `graphqlResultSchema` says what comes out. Only what was
 * selected is encoded. Whoever loses sight of an object is told its id and nothing else, deletions included.
 */
export function formatGraphqlResult(change: SelectedChange): string {
  const { response, fields } = change.selection;
  let members = '';
  let errors = '';
  for (const field of fields) {
    const { text, error } = valueOf(change, field);
    members += `${members === '' ? '' : ','}${JSON.stringify(field.key)}:${text}`;
    if (error === undefined) continue;
    errors += `${errors === '' ? '' : ','}${formatError(response, field.key, error)}`;
  }
  const data = `"data":{${JSON.stringify(response)}:{${members}}}`;
  return errors === '' ? `{${data}}` : `{${data},"errors":[${errors}]}`;
}

type Problem = ReturnType<typeof describeFieldProblem>;

interface ValueText {
  readonly text: string;
  readonly error?: Problem;
}

const NULL: ValueText = Object.freeze({ text: 'null' });

function valueOf(change: SelectedChange, { key, means }: SelectedField): ValueText {
  const { image, message, transition } = change;
  switch (means.kind) {
    case 'typename':
      return { text: JSON.stringify(means.text) };
    case 'transition':
      return { text: `"${GRAPHQL_EVENTS[transition]}"` };
    case 'event-id':
      return { text: `"${formatEventId(change.position)}"` };
    case 'changed': {
      if (transition !== 'updated') return NULL;
      return { text: JSON.stringify(change.changed.map((name) => means.names.get(name) ?? name)) };
    }
    case 'system':
      if (means.name === '_uuid') return { text: JSON.stringify(message.uuid) };
      return image === undefined ? NULL : { text: image.system(means.name) };
    case 'property': {
      const value = image?.property(means);
      if (value === undefined) return NULL;
      return value.kind === 'text' ? value : { ...NULL, error: describeFieldProblem(value.kind, key) };
    }
  }
}

function formatError(response: string, key: string, { code, message }: Problem): string {
  return JSON.stringify({ message, path: [response, key], extensions: { code } });
}
