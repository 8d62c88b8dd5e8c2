import { errorCodeRow, errorCodeSchema } from '@tidewire/contract';
import type { SocketMessage } from '@tidewire/test-kit';
import { readCloudEvent, readTableChange, Account } from './transport.ts';
import { reconnectOf } from './transport-refusal.ts';

/** Takes down what the messages of one connection say of one subscription on it. */
export class MessageReader {
  readonly account: Account;
  /** Of the subscription; undefined: the one that begins first, whatever the server calls it. */
  readonly #id: string | undefined;
  #lastError: string | undefined;

  /** `account`: of the same subscription on a connection before; a new one where there is none. */
  constructor(id: string | undefined, account = new Account()) {
    this.#id = id;
    this.account = account;
  }

  take(message: SocketMessage): void {
    const { account } = this;
    const id: unknown = this.#id ?? account.subscribed?.['subscriptionId'];
    const isOurs = id !== undefined && message['subscriptionId'] === id;
    const isFirst = this.#id === undefined;
    switch (message.type) {
      case 'subscribed':
        if (account.subscribed !== undefined || (!isFirst && !isOurs)) return;
        account.subscribed = message;
        account.cursor = message['eventId'];
        return;
      case 'change':
        if (isOurs) account.cursor = pushed(account, readTableChange(message));
        return;
      case 'event':
        if (isOurs) account.cursor = pushed(account, readCloudEvent(message['event']));
        return;
      case 'heartbeat':
        if (isOurs) account.cursor = message['eventId'] ?? account.cursor;
        return;
      case 'resync':
        if (message['scope'] !== undefined && !message['scope'].includes(id)) return;
        account.resyncs.push({ reason: message['reason'], current: message['current'] });
        account.cursor = message['current'];
        return;
      case 'credential-expiring':
        account.expiring.push(message['expiresAt']);
        return;
      case 'connection-status':
        account.statuses.push(message['status']);
        return;
      case 'error':
        if (!isOurs && message['subscriptionId'] !== undefined && id !== undefined) return;
        this.#lastError = message['code'];
        if (account.subscribed === undefined) account.refusal = refusalOf(message);
        return;
      case 'unsubscribed':
        if (isOurs) account.end = endBy(this.#lastError);
    }
  }
}

function pushed(account: Account, change: Account['changes'][number]): string {
  account.changes.push(change);
  return change.cursor;
}

/** Undefined: it was the client's own wish. */
function endBy(code: string | undefined): Account['end'] {
  return { code, reconnect: code === undefined || reconnectOf(code) };
}

function refusalOf(message: SocketMessage): Account['refusal'] {
  const code = errorCodeSchema.parse(message['code']);
  return { status: errorCodeRow(code).status, code, message: message['message'], retryAfter: undefined };
}
