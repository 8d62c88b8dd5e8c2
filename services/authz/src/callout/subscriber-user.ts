import {
  NATS_ACCOUNTS,
  SUBSCRIBER_LIMITS,
  formatSubscriber,
  isSlug,
  isUuid,
  subscriberPermissions,
} from '@tidewire/contract';
import type { Credential, Principal, SubscriberAddress } from '@tidewire/contract';
import type { AdmittedUser } from '@tidewire/messaging';

/** Whose connection it is. */
export interface SubscriberName {
  readonly principal: string;
  readonly credential: string;
}

/** The name of a subscriber's NATS user, by which its connections are found again. */
export function formatSubscriberName({ principal, credential }: SubscriberName): string {
  return `${principal}/${credential}`;
}

/** The inverse of {@link formatSubscriberName}; undefined for users that are no subscribers. */
export function parseSubscriberName(text: string): SubscriberName | undefined {
  const [principal = '', credential = '', ...rest] = text.split('/');
  return rest.length === 0 && isSlug(principal) && isUuid(credential) ? { principal, credential } : undefined;
}

/** By what a subscriber is addressed: what its credential limits is limited by the address. */
export function subscriberAddress(principal: Principal, credential: Credential): SubscriberAddress {
  return { principal: principal.id, credential: credential.scopes === null ? null : credential.id };
}

/** Whether a user name that came with a token may stand there: it decides nothing, but a wrong one is a mistake. */
export function isNameOf(address: SubscriberAddress, name: string): boolean {
  return name === address.principal || name === formatSubscriber(address);
}

/** The NATS user of a subscriber. `endsAtMs` is cut to whole seconds, never later. */
export function toAdmittedUser(principal: Principal, credential: Credential, endsAtMs: number): AdmittedUser {
  return {
    name: formatSubscriberName({ principal: principal.id, credential: credential.id }),
    account: NATS_ACCOUNTS.clients,
    expiresAtMs: endsAtMs,
    permissions: subscriberPermissions(subscriberAddress(principal, credential)),
    maxSubscriptions: SUBSCRIBER_LIMITS.subscriptions,
    maxPayloadBytes: SUBSCRIBER_LIMITS.payloadBytes,
  };
}
