import { useConnectionStatus } from '@tidewire/react';
import type { ViewState } from '@tidewire/react';
import type { ReactElement } from 'react';
import { freshnessOf } from './table-words.ts';

interface TableStateProps {
  readonly state: ViewState;
  readonly asOf: number | null;
  readonly realtime: boolean;
  readonly pollIntervalMs: number;
  readonly failing: boolean;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** How fresh the rows are, in words and a colour. Told aloud when the words change, not with every second. */
export function TableState({ asOf, ...told }: TableStateProps): ReactElement {
  const link = useConnectionStatus();
  const { tone, words, dated } = freshnessOf({ ...told, link });
  return (
    <p className="freshness" data-tone={tone} data-state={told.state}>
      <span role="status">{words}</span>
      {dated && asOf !== null && (
        <time dateTime={new Date(asOf).toISOString()}>as of {clock.format(asOf)}</time>
      )}
    </p>
  );
}
