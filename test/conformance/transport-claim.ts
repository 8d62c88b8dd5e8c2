import type { Stage } from './transport-stage.ts';
import type { Transport } from './transport.ts';

/** What has to hold, in the same words for every transport. */
export interface Claim {
  readonly name: string;
  /** What it is about: being told of changes, or of records; a connection that lasts; or what only a table's handshake can ask for. */
  readonly about: 'changes' | 'records' | 'streams' | 'table streams';
  /** What a transport has to be able to. */
  readonly needs?:
    'several subscriptions' | 'frames' | 'close codes' | 'old values' | 'secret names' | 'expiry';
  readonly hold: (stage: Stage) => Promise<void>;
}

/** Why a claim is not asked of a transport; undefined: it is. */
export function whySkipped({ about, needs }: Claim, transport: Transport): string | undefined {
  const isOfTables = about === 'records' || about === 'table streams';
  const lasts = about === 'streams' || about === 'table streams';
  if (lasts && transport.kind === 'poll') return 'is no stream';
  if (isOfTables && transport.face !== 'table') return 'is of no table';
  if (needs === 'several subscriptions' && transport.host === undefined) return 'has one subscription';
  if (needs === 'frames' && transport.talk === undefined) return 'cannot send frames';
  if (needs === 'close codes' && transport.closeCodeOf === undefined) return 'has no close codes';
  if (needs === 'secret names' && transport.showsAllNames) return 'shows the names of all fields';
  if (needs === 'expiry' && transport.expiresUnsaid) return 'does not say when its credential ends';
  if (needs === 'old values' && !transport.tellsOldValues) return 'tells nothing of before';
  return undefined;
}
