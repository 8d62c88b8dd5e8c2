import {
  TidewireError,
  isStorableJson,
  issuerIdentityPageSchema,
  issuerPageSchema,
  issuerPatchSchema,
  issuerSchema,
  newIdentitySchema,
  newIssuerSchema,
  pageQuerySchema,
  principalIdSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { Issuer, IssuerPatch } from '@tidewire/contract';
import type { HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import { deleteIdentity, findSubject, insertIdentity } from '../oidc/identity-repository-postgres.ts';
import { requireConsistentIssuer } from '../oidc/issuer-check.ts';
import {
  countIssuers,
  findIssuer,
  holdOrganisations,
  insertIssuer,
  listIdentities,
  listIssuers,
  lockIssuer,
  removeIssuer,
  replaceIssuer,
} from '../oidc/issuer-repository-postgres.ts';
import type { IssuerSettings } from '../oidc/issuer-repository-postgres.ts';
import { formatPage, pageRequest } from '../page.ts';
import { lockPrincipal } from '../principal-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireAdmin } from './access.ts';

/** Trusted issuers at most. */
const MAX_ISSUERS = 100;
const paramsSchema = z.object({ id: uuidSchema });
const identityParamsSchema = z.object({ id: uuidSchema, principal: principalIdSchema });
const IDENTITY_PATH = '/api/issuers/:id/identities/:principal';

/** Judged before the schema takes it apart: what a parser would drop must not be missing from a map unnoticed. */
function storable<Schema extends z.ZodType>(schema: Schema) {
  return z.unknown().refine(isStorableJson, 'holds "__proto__", NUL or broken Unicode').pipe(schema);
}
const newBodySchema = storable(newIssuerSchema);
const patchBodySchema = storable(issuerPatchSchema);

/** `/api/issuers`: an administrator's. */
export function registerIssuers(app: HttpServer, pool: Pool, writer: RightsWriter): void {
  registerReads(app, pool);
  registerWrites(app, writer);
  registerIdentities(app, pool, writer);
}

function registerReads(app: HttpServer, pool: Pool): void {
  app.get(
    '/api/issuers',
    { schema: { querystring: pageQuerySchema, response: { 200: issuerPageSchema } } },
    async (request) => {
      requireAdmin(request);
      const page = pageRequest(request.query);
      return formatPage(await listIssuers(pool, page), page);
    },
  );
  app.get(
    '/api/issuers/:id',
    { schema: { params: paramsSchema, response: { 200: issuerSchema } } },
    async (request) => {
      requireAdmin(request);
      return present(await findIssuer(pool, request.params.id));
    },
  );
}

function registerWrites(app: HttpServer, writer: RightsWriter): void {
  app.post(
    '/api/issuers',
    { schema: { body: newBodySchema, response: { 201: issuerSchema } } },
    async (request, reply) => {
      requireAdmin(request);
      const created = await writer.writeAsAdmin(authorOf(request), async (client) => {
        requireConsistentIssuer(request.body, await holdOrganisations(client, request.body.organisations));
        if ((await countIssuers(client)) >= MAX_ISSUERS) {
          throw new TidewireError('CONFLICT', `At most ${MAX_ISSUERS} issuers: remove one first.`);
        }
        return findIssuer(client, await insertIssuer(client, request.body));
      });
      return reply.code(201).send(present(created));
    },
  );
  app.patch(
    '/api/issuers/:id',
    { schema: { params: paramsSchema, body: patchBodySchema, response: { 200: issuerSchema } } },
    async (request) => {
      requireAdmin(request);
      const { id } = request.params;
      const written = await writer.writeAsAdmin(authorOf(request), async (client) => {
        const wanted = changed(present(await lockIssuer(client, id)), request.body);
        requireConsistentIssuer(wanted, await holdOrganisations(client, wanted.organisations));
        await replaceIssuer(client, id, wanted);
        return findIssuer(client, id);
      });
      return present(written);
    },
  );
  app.delete('/api/issuers/:id', { schema: { params: paramsSchema } }, async (request, reply) => {
    requireAdmin(request);
    const removed = await writer.writeAsAdmin(authorOf(request), (client) =>
      removeIssuer(client, request.params.id),
    );
    if (!removed) throw notFound();
    return reply.code(204).send();
  });
}

function registerIdentities(app: HttpServer, pool: Pool, writer: RightsWriter): void {
  app.get(
    '/api/issuers/:id/identities',
    {
      schema: {
        params: paramsSchema,
        querystring: pageQuerySchema,
        response: { 200: issuerIdentityPageSchema },
      },
    },
    async (request) => {
      requireAdmin(request);
      const { id } = present(await findIssuer(pool, request.params.id));
      const page = pageRequest(request.query);
      return formatPage(await listIdentities(pool, id, page), page);
    },
  );
  app.put(
    IDENTITY_PATH,
    { schema: { params: identityParamsSchema, body: newIdentitySchema } },
    async (request, reply) => {
      requireAdmin(request);
      const { id: issuer, principal } = request.params;
      const { subject } = request.body;
      await writer.writeAsAdmin(authorOf(request), async (client) => {
        present(await lockIssuer(client, issuer));
        if ((await lockPrincipal(client, principal)) === undefined) throw notFound();
        const linked = await findSubject(client, issuer, principal);
        if (linked === subject) return;
        if (linked !== undefined) {
          throw new TidewireError(
            'CONFLICT',
            'The principal is another subject of this issuer: unlink it first.',
          );
        }
        await insertIdentity(client, { issuer, subject, principal, provisioned: false });
      });
      return reply.code(204).send();
    },
  );
  app.delete(IDENTITY_PATH, { schema: { params: identityParamsSchema } }, async (request, reply) => {
    requireAdmin(request);
    const { id, principal } = request.params;
    await writer.writeAsAdmin(authorOf(request), async (client) => {
      present(await lockIssuer(client, id));
      if (!(await deleteIdentity(client, id, principal))) throw notFound();
    });
    return reply.code(204).send();
  });
}

function changed(issuer: Issuer, patch: IssuerPatch): IssuerSettings {
  return {
    audiences: patch.audiences ?? issuer.audiences,
    organisations: patch.organisations ?? issuer.organisations,
    jwksUri: patch.jwksUri === undefined ? issuer.jwksUri : patch.jwksUri,
    algorithms: patch.algorithms ?? issuer.algorithms,
    clockSkewMs: patch.clockSkewMs ?? issuer.clockSkewMs,
    maxTokenAgeMs: patch.maxTokenAgeMs === undefined ? issuer.maxTokenAgeMs : patch.maxTokenAgeMs,
    claims: patch.claims ?? issuer.claims,
    provisioning: patch.provisioning ?? issuer.provisioning,
  };
}

function present(issuer: Issuer | undefined): Issuer {
  if (issuer === undefined) throw notFound();
  return issuer;
}
