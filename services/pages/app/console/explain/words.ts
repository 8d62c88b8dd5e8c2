import type { EventExplanation, ExplanationStep, ReadableRows } from '@tidewire/contract';

const STEPS: Readonly<Record<ExplanationStep['step'], string>> = {
  schema: 'Schema',
  principal: 'Principal',
  scope: 'Limits of the token',
  administrator: 'Administrator',
  tenant: 'Organisation',
  owner: 'Owner',
  rule: 'Rule',
  property: 'Rule of the property',
  topic: 'Topic',
  event: 'Kind of event',
  filter: 'Filter',
};

const OUTCOMES: Readonly<Record<ExplanationStep['outcome'], string>> = {
  allows: 'lets it through',
  continues: 'no obstacle',
  skips: 'does not apply',
  stops: 'stops it',
};

const TRANSITIONS: Readonly<Record<NonNullable<EventExplanation['transition']>, string>> = {
  created: 'is told that the object was created',
  entered: 'is told that the object came into view',
  updated: 'is told that the object was updated',
  left: 'is told that the object went out of view',
  deleted: 'is told that the object was deleted',
};

const ROWS: Readonly<Record<ReadableRows, string>> = {
  none: 'no rows',
  own: 'only its own rows',
  some: 'some rows',
  all: 'all rows of its organisations',
};

/** Words of a newer server are shown as they are. */
export const nameStep = (step: ExplanationStep['step']): string => STEPS[step] ?? step;
export const nameOutcome = (outcome: ExplanationStep['outcome']): string => OUTCOMES[outcome] ?? outcome;
export const nameRows = (rows: ReadableRows): string => ROWS[rows] ?? rows;

/** What an event is to the one who was asked about: `bob is told that the object went out of view`. */
export function describeDelivery({
  delivered,
  transition,
  principal,
}: Pick<EventExplanation, 'delivered' | 'transition' | 'principal'>): string {
  if (!delivered) return `${principal.id} is not told of it`;
  return `${principal.id} ${transition === null ? 'is told of it' : (TRANSITIONS[transition] ?? transition)}`;
}
