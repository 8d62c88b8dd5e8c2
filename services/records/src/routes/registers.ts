import { newRegisterSchema, registerPatchSchema } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { requirePrincipal } from '@tidewire/service-kit';
import { z } from 'zod';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { catalogueRequest } from './request.ts';

const params = z.object({ register: z.string() });

/** `/api/registers`: named sets of schemas. */
export function registerRoutes(app: HttpServer, catalogue: Catalogue): void {
  app.get('/api/registers', {}, async (request) => {
    const results = await catalogue.listRegisters(requirePrincipal(request));
    return { results, total: results.length };
  });
  app.post('/api/registers', { schema: { body: newRegisterSchema } }, async (request, reply) => {
    const register = await catalogue.createRegister(catalogueRequest(request), request.body);
    return reply
      .code(201)
      .header('location', `/api/registers/${String(register['slug'])}`)
      .send(register);
  });
  app.get('/api/registers/:register', { schema: { params } }, (request) =>
    catalogue.getRegister(requirePrincipal(request), request.params.register),
  );
  app.patch('/api/registers/:register', { schema: { params, body: registerPatchSchema } }, (request) =>
    catalogue.patchRegister(catalogueRequest(request), request.params.register, request.body),
  );
  app.delete('/api/registers/:register', { schema: { params } }, async (request, reply) => {
    await catalogue.removeRegister(catalogueRequest(request), request.params.register);
    return reply.code(204).send();
  });
}
