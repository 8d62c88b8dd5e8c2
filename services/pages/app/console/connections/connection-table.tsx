import type { ConnectionInfo } from '@tidewire/contract';
import type { ReactElement } from 'react';
import { Moment } from '../frame/moment.tsx';
import { interestsOf, nameTransport } from './connection-totals.ts';

/** Of what a connection is told of, so many are shown; the others are counted. */
const SHOWN_INTERESTS = 4;

interface ConnectionTableProps {
  readonly connections: readonly ConnectionInfo[];
  readonly onEnd: (connection: ConnectionInfo) => void;
}

export function ConnectionTable({ connections, onEnd }: ConnectionTableProps): ReactElement {
  return (
    <table className="rows">
      <caption className="hidden">Open connections</caption>
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">Told of</th>
          <th scope="col">By</th>
          <th scope="col">From</th>
          <th scope="col">Since</th>
          <th scope="col">Gateway</th>
          <th scope="col">
            <span className="hidden">What can be done</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {connections.map((connection) => (
          <tr key={connection.id} data-connection={connection.id}>
            <th scope="row">{connection.principal ?? <em>anonymous</em>}</th>
            <td data-label="Told of">
              <Interests connection={connection} />
            </td>
            <td data-label="By">{nameTransport(connection.transport)}</td>
            <td data-label="From">
              <code>{connection.address}</code>
            </td>
            <td data-label="Since">
              <Moment time={connection.since} />
            </td>
            <td data-label="Gateway">
              <code title={connection.gateway}>{connection.gateway.slice(0, 8)}</code>
            </td>
            <td className="act">
              <button
                type="button"
                aria-label={`End the connection of ${connection.principal ?? 'somebody anonymous'} from ${connection.address}`}
                onClick={() => onEnd(connection)}
              >
                End
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Interests({ connection }: { readonly connection: ConnectionInfo }): ReactElement {
  const all = interestsOf(connection);
  const shown = all.slice(0, SHOWN_INTERESTS);
  if (all.length === 0) return <span className="hint">nothing yet</span>;
  return (
    <ul className="interests" title={all.join('\n')}>
      {shown.map((interest) => (
        <li key={interest}>
          <code>{interest}</code>
        </li>
      ))}
      {all.length > shown.length && <li className="hint">and {all.length - shown.length} more</li>}
    </ul>
  );
}
