import { randomUUID } from 'node:crypto';
import {
  TidewireError,
  newOrganisationSchema,
  organisationPageSchema,
  organisationPatchSchema,
  organisationViewSchema,
  pageQuerySchema,
  principalViewSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { Organisation } from '@tidewire/contract';
import type { HttpRequest, HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import {
  changeOrganisation,
  findOrganisation,
  findVisibleOrganisation,
  insertOrganisation,
  listOrganisations,
  listVisibleOrganisations,
} from '../organisation-repository-postgres.ts';
import { formatPage, pageRequest } from '../page.ts';
import { changePrincipal, findPrincipal } from '../principal-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireAdmin, requireUnlimited } from './access.ts';
import { formatOrganisation, formatPrincipal } from './shapes.ts';

const paramsSchema = z.object({ uuid: uuidSchema });

/** `/api/organisations`: an administrator manages them; members see their own and those above. */
export function registerOrganisations(app: HttpServer, pool: Pool, writer: RightsWriter): void {
  registerReads(app, pool);
  registerWrites(app, pool, writer);
  registerSetActive(app, writer);
}

function registerReads(app: HttpServer, pool: Pool): void {
  app.get(
    '/api/organisations',
    {
      schema: {
        querystring: pageQuerySchema,
        response: { 200: organisationPageSchema },
      },
    },
    async (request) => {
      const { principal } = requireUnlimited(request);
      const page = pageRequest(request.query);
      const { results, total } = principal.admin
        ? await listOrganisations(pool, page)
        : await listVisibleOrganisations(pool, principal.id, page);
      return formatPage({ results: results.map(formatOrganisation), total }, page);
    },
  );
  app.get(
    '/api/organisations/:uuid',
    {
      schema: {
        params: paramsSchema,
        response: { 200: organisationViewSchema },
      },
    },
    async (request) => formatOrganisation(await requireVisible(request, pool, request.params.uuid)),
  );
}

function registerWrites(app: HttpServer, pool: Pool, writer: RightsWriter): void {
  app.post(
    '/api/organisations',
    {
      schema: {
        body: newOrganisationSchema,
        response: { 201: organisationViewSchema },
      },
    },
    async (request, reply) => {
      requireAdmin(request);
      const { id = randomUUID(), slug, name, parent = null } = request.body;
      const created = await writer.writeAsAdmin(authorOf(request), async (client) => {
        await insertOrganisation(client, { id, slug, name, parent });
        return findOrganisation(client, id);
      });
      if (created === undefined) throw notFound();
      return reply.code(201).send(formatOrganisation(created));
    },
  );
  app.patch(
    '/api/organisations/:uuid',
    {
      schema: {
        params: paramsSchema,
        body: organisationPatchSchema,
        response: { 200: organisationViewSchema },
      },
    },
    async (request) => {
      const { uuid } = request.params;
      // 404 before 403: to members it exists, to others it does not.
      await requireVisible(request, pool, uuid);
      requireAdmin(request);
      const changed = await writer.writeAsAdmin(authorOf(request), async (client) => {
        if (!(await changeOrganisation(client, uuid, request.body))) throw notFound();
        return findOrganisation(client, uuid);
      });
      if (changed === undefined) throw notFound();
      return formatOrganisation(changed);
    },
  );
}

function registerSetActive(app: HttpServer, writer: RightsWriter): void {
  app.post(
    '/api/organisations/:uuid/set-active',
    {
      schema: {
        params: paramsSchema,
        response: { 200: principalViewSchema },
      },
    },
    async (request) => {
      requireUnlimited(request);
      const { uuid } = request.params;
      const changed = await writer.write(authorOf(request), async (client, author) => {
        if (!author.organisations.includes(uuid)) {
          // An administrator knows all organisations, so the reason may be told.
          if (author.admin && (await findOrganisation(client, uuid)) !== undefined) {
            throw new TidewireError('CONFLICT', 'You are no member of this organisation.');
          }
          throw notFound();
        }
        await changePrincipal(client, author.id, { activeOrganisation: uuid });
        return findPrincipal(client, author.id);
      });
      if (changed === undefined) throw notFound();
      return formatPrincipal(changed);
    },
  );
}

async function requireVisible(request: HttpRequest, pool: Pool, uuid: string): Promise<Organisation> {
  const { principal } = requireUnlimited(request);
  const found = principal.admin
    ? await findOrganisation(pool, uuid)
    : await findVisibleOrganisation(pool, principal.id, uuid);
  if (found === undefined) throw notFound();
  return found;
}
