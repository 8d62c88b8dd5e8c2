import { newRegisterSchema, registerPatchSchema } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { requirePrincipal } from '@tidewire/service-kit';
import { z } from 'zod';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { catalogueRequest } from './request.ts';

const params = z.object({ register: z.string() });
const tags = ['registers'];

/** `/api/registers`: named sets of schemas. */
export function registerRoutes(app: HttpServer, catalogue: Catalogue): void {
  app.get(
    '/api/registers',
    { schema: { tags, summary: 'The registers that the caller may read from' } },
    async (request) => {
      const results = await catalogue.listRegisters(requirePrincipal(request));
      return { results, total: results.length };
    },
  );
  app.post(
    '/api/registers',
    { schema: { tags, summary: 'Creates a register, with its rules', body: newRegisterSchema } },
    async (request, reply) => {
      const register = await catalogue.createRegister(catalogueRequest(request), request.body);
      return reply
        .code(201)
        .header('location', `/api/registers/${String(register['slug'])}`)
        .send(register);
    },
  );
  app.get(
    '/api/registers/:register',
    { schema: { tags, params, summary: 'A register, by id or slug' } },
    (request) => catalogue.getRegister(requirePrincipal(request), request.params.register),
  );
  app.patch(
    '/api/registers/:register',
    { schema: { tags, params, summary: 'Changes a register or its rules', body: registerPatchSchema } },
    (request) => catalogue.patchRegister(catalogueRequest(request), request.params.register, request.body),
  );
  app.delete(
    '/api/registers/:register',
    { schema: { tags, params, summary: 'Deletes a register with its schemas and objects' } },
    async (request, reply) => {
      await catalogue.removeRegister(catalogueRequest(request), request.params.register);
      return reply.code(204).send();
    },
  );
}
