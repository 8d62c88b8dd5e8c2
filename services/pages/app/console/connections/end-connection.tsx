import type { ConnectionInfo } from '@tidewire/contract';
import type { ReactElement } from 'react';
import { callApi } from '../frame/api.ts';
import { ConfirmDialog } from '../frame/confirm-dialog.tsx';
import { Refusal } from '../frame/notice.tsx';
import { useDeed } from '../frame/use-deed.ts';
import { nameTransport } from './connection-totals.ts';

interface EndConnectionProps {
  readonly connection: ConnectionInfo;
  readonly onEnded: (words: string) => void;
  readonly onCancel: () => void;
}

/** Asks, and ends one connection. One that was gone already is as good as ended. */
export function EndConnection({ connection, onEnded, onCancel }: EndConnectionProps): ReactElement {
  const { id, principal, transport, address } = connection;
  const who = principal ?? 'somebody anonymous';
  const { busy, error, run } = useDeed();
  const end = (): void =>
    run(async (signal) => {
      await callApi(`/api/connections/${id}`, { method: 'DELETE', signal });
      onEnded(`The connection of ${who} was ended.`);
    });
  return (
    <ConfirmDialog
      title={`End the connection of ${who}?`}
      action="End it"
      busy={busy}
      onConfirm={end}
      onCancel={onCancel}
    >
      <p>
        {nameTransport(transport)} from <code>{address}</code>. Its client is told not to come back, and gets
        nothing more of what it was owed. No right is taken away: with a valid credential another connection
        can be opened.
      </p>
      {error !== undefined && <Refusal error={error} />}
    </ConfirmDialog>
  );
}
