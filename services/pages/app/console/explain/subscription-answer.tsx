import type { ReachedSchema, SubscriptionExplanation } from '@tidewire/contract';
import type { ReactElement } from 'react';
import { Link } from '../frame/location.tsx';
import { addressOf } from './explain-query.ts';
import { RulePlace, Steps } from './steps.tsx';
import { nameRows, nameStep } from './words.ts';

/** Why a subscription sees what it sees. */
export function SubscriptionAnswer({
  explanation,
}: {
  readonly explanation: SubscriptionExplanation;
}): ReactElement {
  const { refusal, schemas, truncated, events, verdict, position, principal } = explanation;
  return (
    <article className="explanation" aria-label="Explanation">
      <div className="verdict" data-good={refusal === null && (events?.delivered ?? 0) > 0}>
        <h2>{refusal === null ? `${principal.id} may subscribe` : `${principal.id} is refused`}</h2>
        <p>{verdict}</p>
      </div>
      {refusal !== null && (
        <p className="notice bad">
          Subscribing would be answered {refusal.status}: {refusal.message} <code>{refusal.code}</code>
        </p>
      )}
      <p className="hint">
        Judged by the rights as of <code>{position}</code>.
      </p>
      {events !== null && <PastEvents events={events} principal={principal.id} />}
      {schemas.map((schema) => (
        <Reached key={`${schema.register}/${schema.schema}`} reached={schema} />
      ))}
      {truncated && <p className="hint">There are more schemas than are listed here.</p>}
    </article>
  );
}

interface PastEventsProps {
  readonly events: NonNullable<SubscriptionExplanation['events']>;
  readonly principal: string;
}

function PastEvents({ events, principal }: PastEventsProps): ReactElement {
  const { read, delivered, stopped } = events;
  return (
    <section>
      <h3>What became of the last events</h3>
      <p>
        {delivered}
        {read === undefined ? '' : ` of the last ${read}`} {delivered === 1 ? 'is' : 'are'} delivered.
      </p>
      {stopped.length > 0 && (
        <table className="rows">
          <caption className="hidden">What stops the others</caption>
          <thead>
            <tr>
              <th scope="col">Events</th>
              <th scope="col">Stopped by</th>
              <th scope="col">Why</th>
              <th scope="col">
                <span className="hidden">The newest of them</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {stopped.map(({ step, reason, rule, count, newest }) => (
              <tr key={newest}>
                <th scope="row">{count}</th>
                <td data-label="Stopped by">{nameStep(step)}</td>
                <td data-label="Why">
                  {reason} {rule !== undefined && <RulePlace rule={rule} />}
                </td>
                <td className="act">
                  <Link to={addressOf({ principal, about: 'event', name: newest, filter: '' })}>
                    Explain the newest
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Reached({ reached }: { readonly reached: ReachedSchema }): ReactElement {
  const { register, schema, rows, reason, rules, unreadable } = reached;
  return (
    <section>
      <h3>
        {register} / {schema}: {nameRows(rows)}
      </h3>
      <p>{reason}</p>
      {unreadable.length > 0 && (
        <p>
          Not told:{' '}
          {unreadable.map((name) => (
            <code key={name}>{name} </code>
          ))}
        </p>
      )}
      {rules.length > 0 && <Steps steps={rules} />}
    </section>
  );
}
