import type { AccessExplanation, EventExplanation, PropertyExplanation } from '@tidewire/contract';
import type { ReactElement } from 'react';
import { Moment } from '../frame/moment.tsx';
import { Caution } from '../frame/notice.tsx';
import { RulePlace, Steps } from './steps.tsx';
import { describeDelivery } from './words.ts';

/** Why an event reaches somebody, or does not. */
export function EventAnswer({ explanation }: { readonly explanation: EventExplanation }): ReactElement {
  const { event, before, after, delivered, removed, rightsChanged, principal } = explanation;
  return (
    <article className="explanation" aria-label="Explanation">
      <div className="verdict" data-good={delivered}>
        <h2>{describeDelivery(explanation)}</h2>
        <p>{explanation.verdict}</p>
      </div>
      <p className="hint">
        {event.register} / {event.schema} <code>{event.uuid}</code>, version {event.version}, {event.action}{' '}
        <Moment time={event.time} />. Judged by the rights as of <code>{explanation.position}</code>.
      </p>
      {rightsChanged.changed && <RightsChanged {...rightsChanged} />}
      <div className="images">
        <Image title="As it was before" image={before} principal={principal.id} />
        <Image title="As it was after" image={after} principal={principal.id} />
      </div>
      {removed.length > 0 && (
        <section>
          <h3>Properties that {principal.id} is not told</h3>
          <ul className="plain">
            {removed.map(({ name, image, from, reason, rules }) => (
              <li key={`${image} ${name}`}>
                <code>{name}</code>, taken out of {from.map((part) => `“${part}”`).join(' and ')}. {reason}{' '}
                {rules.map((rule) => (
                  <RulePlace key={`${rule.id} ${rule.pointer}`} rule={rule} />
                ))}
              </li>
            ))}
          </ul>
        </section>
      )}
    </article>
  );
}

interface ImageProps {
  readonly title: string;
  readonly image: (AccessExplanation & { readonly seenEarlier?: boolean }) | null;
  readonly principal: string;
}

function Image({ title, image, principal }: ImageProps): ReactElement {
  return (
    <section>
      <h3>{title}</h3>
      {image === null ? (
        <p className="hint">There was no object.</p>
      ) : (
        <>
          <p>
            <span className="badge" data-good={image.allowed}>
              {image.allowed ? 'may be seen' : 'may not be seen'}
            </span>{' '}
            {image.reason}
          </p>
          {image.seenEarlier === true && !image.allowed && (
            <p className="hint">
              A rule on the time let {principal} see it at some moment since it was written.
            </p>
          )}
          <Steps steps={image.steps} />
          {image.properties.length > 0 && <Properties properties={image.properties} />}
        </>
      )}
    </section>
  );
}

function Properties({ properties }: { readonly properties: readonly PropertyExplanation[] }): ReactElement {
  const refused = properties.filter(({ allowed }) => !allowed).length;
  const summary = refused === 0 ? 'all may be seen' : `${refused} may not be seen`;
  return (
    <details className="properties" open={refused > 0}>
      <summary>
        {properties.length} {properties.length === 1 ? 'property' : 'properties'}, {summary}
      </summary>
      <ul className="plain">
        {properties.map(({ name, allowed, reason, steps }) => (
          <li key={name}>
            <span className="badge" data-good={allowed}>
              {allowed ? 'seen' : 'hidden'}
            </span>{' '}
            <code>{name}</code> {reason}
            {steps.length > 0 && <Steps steps={steps} />}
          </li>
        ))}
      </ul>
    </details>
  );
}

function RightsChanged({ changes, complete }: EventExplanation['rightsChanged']): ReactElement {
  return (
    <div>
      <Caution>
        Rights that take part in this changed since the event: it may have been judged otherwise when it
        happened.
      </Caution>
      <ul className="plain">
        {changes.map(({ event, time, kind, id, version }) => (
          <li key={event}>
            <Moment time={time} /> {kind} <code>{id}</code>, version {version}
          </li>
        ))}
        {!complete && <li className="hint">There were more, and not all of them were looked at.</li>}
      </ul>
    </div>
  );
}
