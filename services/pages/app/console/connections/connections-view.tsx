import type { ConnectionInfo, ConnectionPage } from '@tidewire/contract';
import { useState } from 'react';
import type { ReactElement } from 'react';
import { withQuery } from '../frame/api.ts';
import { navigate, usePlace } from '../frame/location.tsx';
import { formatMoment } from '../frame/moment.tsx';
import { Caution, Empty, Refusal } from '../frame/notice.tsx';
import { PrincipalField } from '../frame/principal-field.tsx';
import { useAnswer } from '../frame/use-answer.ts';
import type { Answered } from '../frame/use-answer.ts';
import { ConnectionTable } from './connection-table.tsx';
import { nameTransport, totalsBy } from './connection-totals.ts';
import type { Total } from './connection-totals.ts';
import { EndConnection } from './end-connection.tsx';

/** One page of the API at its longest. Whoever has more connections than these looks for somebody's. */
const SHOWN_CONNECTIONS = 1000;
const REFRESH_MS = 5000;

/** Who is being told of changes at this moment, at all gateways. */
export function ConnectionsView(): ReactElement {
  const { query } = usePlace();
  const principal = query.get('principal') ?? '';
  const address = withQuery('/api/connections', { principal, limit: SHOWN_CONNECTIONS });
  const answered = useAnswer<ConnectionPage>(address, { everyMs: REFRESH_MS });
  const [ending, setEnding] = useState<ConnectionInfo>();
  const [said, setSaid] = useState('');
  const { answer, error, reload } = answered;
  const settle = (words: string): void => {
    setEnding(undefined);
    setSaid(words);
    reload();
  };
  return (
    <section aria-labelledby="view-title">
      <h1 id="view-title">Connections</h1>
      <PrincipalFilter key={principal} principal={principal} />
      <p role="status" className="said">
        {said}
      </p>
      {error !== undefined && <Refusal error={error} />}
      {answer !== undefined && <Found answered={answered} answer={answer} onEnd={setEnding} />}
      {answer === undefined && error === undefined && <Empty>Asking all gateways.</Empty>}
      {ending !== undefined && (
        <EndConnection connection={ending} onEnded={settle} onCancel={() => setEnding(undefined)} />
      )}
    </section>
  );
}

function PrincipalFilter({ principal }: { readonly principal: string }): ReactElement {
  const [value, setValue] = useState(principal);
  return (
    <form
      className="bar"
      onSubmit={(event) => {
        event.preventDefault();
        navigate(withQuery('/console/connections', { principal: value.trim() }));
      }}
    >
      <PrincipalField label="Of whom" value={value} onChange={setValue} placeholder="everybody" />
      <p className="actions">
        <button>Show</button>
        {principal !== '' && (
          <button type="button" onClick={() => navigate('/console/connections')}>
            Show everybody
          </button>
        )}
      </p>
    </form>
  );
}

interface FoundProps {
  readonly answered: Answered<ConnectionPage>;
  readonly answer: ConnectionPage;
  readonly onEnd: (connection: ConnectionInfo) => void;
}

function Found({ answered, answer, onEnd }: FoundProps): ReactElement {
  const { connections, total, incomplete } = answer;
  const asOf = answered.at === undefined ? '' : formatMoment(new Date(answered.at), new Date());
  return (
    <>
      {incomplete && (
        <Caution>
          A gateway did not answer in time. Its connections are missing here and in the totals.
        </Caution>
      )}
      {connections.length < total && (
        <Caution>
          These are {connections.length} of {total}, and the totals are of these. Look for somebody to see the
          others.
        </Caution>
      )}
      {connections.length === 0 ? (
        <Empty>Nobody is connected.</Empty>
      ) : (
        <>
          <AllTotals connections={connections} total={total} />
          <div className="sheet">
            <ConnectionTable connections={connections} onEnd={onEnd} />
          </div>
        </>
      )}
      <p className="hint">As of {asOf}, and asked again every five seconds while this page can be seen.</p>
    </>
  );
}

function AllTotals({ connections, total }: Pick<ConnectionPage, 'connections' | 'total'>): ReactElement {
  return (
    <div className="totals">
      <dl>
        <div>
          <dt>Connections</dt>
          <dd>{total}</dd>
        </div>
      </dl>
      <Totals
        title="By transport"
        totals={totalsBy(connections, ({ transport }) => nameTransport(transport))}
      />
      <Totals title="By gateway" totals={totalsBy(connections, ({ gateway }) => gateway)} ofGateways />
    </div>
  );
}

interface TotalsProps {
  readonly title: string;
  readonly totals: readonly Total[];
  readonly ofGateways?: boolean;
}

function Totals({ title, totals, ofGateways = false }: TotalsProps): ReactElement {
  return (
    <dl aria-label={title}>
      {totals.map(({ name, count }) => (
        <div key={name}>
          <dt title={name}>
            {ofGateways ? (
              <>
                Gateway <code>{name.slice(0, 8)}</code>
              </>
            ) : (
              name
            )}
          </dt>
          <dd>{count}</dd>
        </div>
      ))}
    </dl>
  );
}
