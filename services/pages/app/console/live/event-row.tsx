import { memo, useState } from 'react';
import type { ReactElement } from 'react';
import { shortJson } from '../frame/json-text.ts';
import { Link } from '../frame/location.tsx';
import { Moment } from '../frame/moment.tsx';
import { withQuery } from '../frame/api.ts';
import { describeEvent } from './tail.ts';
import type { TailEvent } from './tail.ts';

/** So much of an object is shown at once. Characters. */
const SHOWN_CHARACTERS = 20_000;

/** An event on one line, which opens. What is inside is made when it is opened. */
export const EventRow = memo(function EventRow({ entry }: { readonly entry: TailEvent }): ReactElement {
  const [open, setOpen] = useState(false);
  const { kind, event } = entry;
  const { register, schema, uuid, actor } = event.data;
  return (
    <li>
      <details className="event" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <Moment time={event.time} precise />
          <span className="badge" data-kind={kind}>
            {kind}
          </span>
          <span className="where">
            {register} / {schema}
          </span>
          <span className="what">{describeEvent(entry)}</span>
          <span className="who">{actor?.name ?? ''}</span>
          <code className="uuid" title={uuid}>
            {uuid.slice(0, 8)}
          </code>
        </summary>
        {open && <EventContent entry={entry} />}
      </details>
    </li>
  );
});

function EventContent({ entry }: { readonly entry: TailEvent }): ReactElement {
  const { event } = entry;
  const { changed, object, uuid, version, actor } = event.data;
  return (
    <div className="content">
      {changed !== undefined && Object.keys(changed).length > 0 && <Changes changed={changed} />}
      <dl className="facts">
        <Fact name="Event" value={event.id} />
        <Fact name="Object" value={uuid} />
        {version !== undefined && <Fact name="Version" value={String(version)} />}
        {actor !== undefined && <Fact name="By" value={`${actor.name} (${actor.id})`} />}
        {event.correlationid !== undefined && <Fact name="Request" value={event.correlationid} />}
      </dl>
      {object !== undefined && (
        <details className="object">
          <summary>The object as it is after this</summary>
          <pre tabIndex={0}>{JSON.stringify(object, null, 2).slice(0, SHOWN_CHARACTERS)}</pre>
        </details>
      )}
      <p className="actions">
        <Link to={withQuery('/console/explain', { event: event.id })} className="button">
          Who would see this?
        </Link>
      </p>
    </div>
  );
}

function Changes({
  changed,
}: {
  readonly changed: NonNullable<TailEvent['event']['data']['changed']>;
}): ReactElement {
  return (
    <table className="changes">
      <caption className="hidden">What changed</caption>
      <thead>
        <tr>
          <th scope="col">Property</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(changed).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <del>{shortJson(value.old)}</del>
            </td>
            <td>
              <ins>{shortJson(value.new)}</ins>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  );
}
