import { TidewireError } from '@tidewire/contract';
import type { Issuer } from '@tidewire/contract';
import type { PoolClient } from '@tidewire/service-kit';
import { changePrincipal, insertPrincipal, lockPrincipal } from '../principal-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { hashSecret } from '../token-secret.ts';
import { countAccessTokens, findSignedToken, insertAccessToken } from './access-token-repository-postgres.ts';
import type { AccessToken } from './access-token.ts';
import type { VerifiedToken } from './access-token-verifier.ts';
import { placeSubject } from './claim-mapping.ts';
import type { Placement } from './claim-mapping.ts';
import {
  applyPlacement,
  insertIdentity,
  isPrincipalId,
  lockIdentity,
  lockSubject,
  markApplied,
} from './identity-repository-postgres.ts';
import type { SubjectIdentity } from './identity-repository-postgres.ts';
import { issuedPrincipalId } from './issued-principal.ts';
import { holdIssuer } from './issuer-repository-postgres.ts';
import { TokenRefusal } from './token-refusal.ts';

/** Tokens in force of one principal: more are those of a client that asks for a new one each time. */
const MAX_LIVE_TOKENS = 200;

/**
 * Takes a verified token in, in one transaction: its subject becomes a principal, what the issuer gives it becomes what
 * the token says, and the token becomes a credential. Gives the id of the credential; undefined when the issuer was
 * changed meanwhile, so that the token has to be judged anew.
 *
 * @throws TokenRefusal, or TidewireError RATE_LIMITED when the principal has too many tokens in force.
 */
export async function admitAccessToken(
  writer: RightsWriter,
  issuer: Issuer,
  token: AccessToken,
  verified: VerifiedToken,
): Promise<string | undefined> {
  const actor = { id: `issuer:${issuer.slug}`, name: issuer.slug, organisation: null };
  return writer.writeAs(actor, async (client) => {
    if (!(await holdIssuer(client, issuer.id, issuer.version))) return undefined;
    await lockSubject(client, issuer.id, verified.subject);
    const known = await findSignedToken(client, token.signed);
    if (known !== undefined) return known;
    const placement = placeSubject(issuer, verified.claims);
    const identity =
      (await lockIdentity(client, issuer.id, verified.subject)) ??
      (await provision(client, issuer, verified.subject));
    const principal = await lockPrincipal(client, identity.principal);
    if (principal === undefined) throw new TokenRefusal('principal-removed');
    if (principal.admin) throw new TokenRefusal('administrator');
    if ((await countAccessTokens(client, principal.id)) >= MAX_LIVE_TOKENS) throw tooManyTokens();
    // Tokens do not arrive in the order in which they were issued: an older one brings no older groups back.
    if (identity.appliedAtMs === null || verified.issuedAtMs >= identity.appliedAtMs) {
      const subject = { issuer: issuer.id, principal: principal.id };
      await place(client, subject, placement, identity.provisioned ? principal.name : undefined);
      if (verified.issuedAtMs !== identity.appliedAtMs) {
        await markApplied(client, subject, verified.issuedAtMs);
      }
    }
    return insertAccessToken(client, {
      principal: principal.id,
      issuer,
      hash: hashSecret(token.text),
      signed: token.signed,
      expiresAtMs: verified.expiresAtMs,
      forgettableAtMs: verified.forgettableAtMs,
    });
  });
}

/** Makes the principal of a subject that nobody linked, where the issuer may. */
async function provision(client: PoolClient, issuer: Issuer, subject: string): Promise<SubjectIdentity> {
  if (issuer.provisioning !== 'create') throw new TokenRefusal('unlinked');
  const principal = issuedPrincipalId(issuer.slug, subject);
  // Somebody of this id who is not this subject: made by hand, removed, or unlinked from it.
  if (await isPrincipalId(client, principal)) throw new TokenRefusal('principal-taken');
  await insertPrincipal(client, { id: principal, name: principal, admin: false });
  await insertIdentity(client, { issuer: issuer.id, subject, principal, provisioned: true });
  return { principal, provisioned: true, appliedAtMs: null };
}

/** `currentName` is that of a principal whom the issuer names; undefined for one who was named here. */
async function place(
  client: PoolClient,
  subject: { readonly issuer: string; readonly principal: string },
  placement: Placement,
  currentName: string | undefined,
): Promise<void> {
  await applyPlacement(client, subject, placement);
  const { name } = placement;
  if (currentName === undefined || name === undefined || name === currentName) return;
  await changePrincipal(client, subject.principal, { name });
}

function tooManyTokens(): TidewireError {
  return new TidewireError(
    'RATE_LIMITED',
    `A principal has at most ${MAX_LIVE_TOKENS} access tokens in force: use one until it expires.`,
    { retryAfterSeconds: 60 },
  );
}
