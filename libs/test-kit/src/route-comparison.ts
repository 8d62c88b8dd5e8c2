import { OPERATIONS } from '@tidewire/contract';
import type { Operation, OperationService } from '@tidewire/contract';
import { listRoutes } from '@tidewire/service-kit';
import type { HttpServer } from '@tidewire/service-kit';

/** What Nextcloud's clients ask for included. */
const PUBLIC = /^\/(api|push|ocs|apps)(\/|$)/;
const UNKNOWN_TOKEN = { authorization: 'Bearer nobody-has-this-one' };

/**
 * What the routes of a service and the contract's table of operations say differently, in words; empty when they agree.
 * The server must refuse every credential with 401. Its handlers may fail: only whether they are reached matters.
 */
export async function compareRoutes(app: HttpServer, service: OperationService): Promise<string[]> {
  await app.ready();
  const operations: readonly Operation[] = OPERATIONS.filter((operation) => operation.service === service);
  const described = new Set(operations.map(({ method, path }) => `${method} ${path}`));
  const routes = listRoutes(app).filter(({ path }) => PUBLIC.test(path));
  const registered = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  const differences = [
    ...[...registered].filter((route) => !described.has(route)).map((route) => `${route} has no row`),
    ...[...described].filter((row) => !registered.has(row)).map((row) => `${row} has no route`),
  ];
  for (const operation of operations) {
    const found = await authenticationOf(app, operation);
    if (found !== operation.authentication)
      differences.push(`${operation.id} says ${operation.authentication}, its route ${found}`);
  }
  return differences;
}

/** Tells by trying: what a request without a credential gets, and what one with an unknown credential gets. */
async function authenticationOf(app: HttpServer, operation: Operation): Promise<Operation['authentication']> {
  if (await isRefused(app, operation, {})) return 'required';
  return (await isRefused(app, operation, UNKNOWN_TOKEN)) ? 'optional' : 'none';
}

async function isRefused(
  app: HttpServer,
  { method, path, parameters = [], body }: Operation,
  headers: Record<string, string>,
): Promise<boolean> {
  const examples = new Map(parameters.map(({ name, example }) => [name, String(example)]));
  const url = path.replaceAll(/\{([A-Za-z]+)\}/g, (_all, name: string) =>
    encodeURIComponent(examples.get(name) ?? ''),
  );
  const payload = body === undefined ? {} : { payload: body.example as object };
  const answer = await app.inject({ method, url, headers, ...payload });
  return answer.statusCode === 401;
}
