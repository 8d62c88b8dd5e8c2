import type { PolicyPreview } from '@tidewire/contract';
import type { ReactElement } from 'react';
import { Caution } from '../frame/notice.tsx';

type PrincipalPreview = PolicyPreview['principals'][number];

interface PreviewProps {
  readonly preview: PolicyPreview;
  /** The rules were edited since. */
  readonly stale: boolean;
}

/** Who would gain and lose what. */
export function Preview({ preview, stale }: PreviewProps): ReactElement {
  const { principals, truncated, unchanged, action } = preview;
  return (
    <section className="preview" data-stale={stale} aria-labelledby="preview-title">
      <h3 id="preview-title">What these rules would change for “{action}”</h3>
      {stale && <Caution>The rules were edited since. Run it again.</Caution>}
      <p role="status">{describePreview(preview)}</p>
      {truncated && (
        <Caution>
          Not everybody was looked at: there are too many. Who is missing here may change too.
        </Caution>
      )}
      {principals.length > 0 && (
        <table className="rows">
          <caption className="hidden">What changes for whom</caption>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">Gains</th>
              <th scope="col">Loses</th>
            </tr>
          </thead>
          <tbody>
            {principals.map((one) => (
              <tr key={one.principal ?? ''}>
                <th scope="row">{one.principal ?? <em>anonymous readers</em>}</th>
                <td data-label="Gains">
                  <Change rows={one.gains} properties={one.properties.gains} kind="gain" />
                </td>
                <td data-label="Loses">
                  <Change rows={one.loses} properties={one.properties.loses} kind="loss" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="hint">
        Nothing changes for {unchanged} {unchanged === 1 ? 'other' : 'others'}. Administrators, who pass
        everything, are left out. Nothing was written.
      </p>
    </section>
  );
}

interface ChangeProps {
  readonly rows: PrincipalPreview['gains'];
  readonly properties: readonly string[];
  readonly kind: 'gain' | 'loss';
}

function Change({ rows, properties, kind }: ChangeProps): ReactElement | string {
  if (rows.rows === 0 && properties.length === 0) return 'nothing';
  return (
    <div className={kind}>
      {rows.rows > 0 && (
        <details>
          <summary>
            {rows.rows} {rows.rows === 1 ? 'row' : 'rows'}
          </summary>
          <ul className="plain">
            {rows.sample.map(({ table, uuid }) => (
              <li key={uuid}>
                {table} <code>{uuid}</code>
              </li>
            ))}
            {rows.rows > rows.sample.length && (
              <li className="hint">and {rows.rows - rows.sample.length} more</li>
            )}
          </ul>
        </details>
      )}
      {properties.length > 0 && (
        <p>
          {properties.length === 1 ? 'property' : 'properties'}{' '}
          {properties.map((name) => (
            <code key={name}>{name} </code>
          ))}
        </p>
      )}
    </div>
  );
}

/** A preview in a sentence. */
export function describePreview({
  principals,
  action,
}: Pick<PolicyPreview, 'principals' | 'action'>): string {
  if (principals.length === 0) return `Nothing changes for anybody who was looked at, as to “${action}”.`;
  const count = (side: 'gains' | 'loses'): number =>
    principals.filter((one) => one[side].rows > 0 || one.properties[side].length > 0).length;
  return `As to “${action}”, ${people(count('gains'))} would gain something and ${people(count('loses'))} would lose something.`;
}

function people(count: number): string {
  return count === 1 ? '1 principal' : `${count === 0 ? 'no' : count} principals`;
}
