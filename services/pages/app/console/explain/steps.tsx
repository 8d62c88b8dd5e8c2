import type { ExplanationStep, RuleReference } from '@tidewire/contract';
import type { ReactElement } from 'react';
import { Link } from '../frame/location.tsx';
import { nameOutcome, nameStep } from './words.ts';

/** The steps of a decision, in the order in which they are asked. */
export function Steps({ steps }: { readonly steps: readonly ExplanationStep[] }): ReactElement {
  return (
    <ol className="steps">
      {steps.map((step, place) => (
        // Two steps may say the same; their places never change.
        <li key={place} data-outcome={step.outcome}>
          <span className="outcome">{nameOutcome(step.outcome)}</span>
          <span>
            <strong>{nameStep(step.step)}.</strong> {step.reason}
            {step.rule !== undefined && (
              <>
                {' '}
                <RulePlace rule={step.rule} />
              </>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** A rule by its place, which leads to the policy that has it. */
export function RulePlace({ rule }: { readonly rule: RuleReference }): ReactElement {
  const query = new URLSearchParams({ at: rule.pointer });
  return (
    <Link to={`/console/policies/${rule.policy}/${rule.id}?${query.toString()}`} className="rule">
      <code>{rule.pointer}</code> of the {rule.policy}
    </Link>
  );
}
