import { OPERATIONS } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { routeOf } from './edge-routes.ts';

test.for([
  ['/', 'pages'],
  ['/pages/dashboard', 'pages'],
  ['/console', 'pages'],
  ['/favicon.ico', 'pages'],
  ['/api/objects/cases/case?_limit=1', 'records'],
  ['/api/objects/realtime/subscribe', 'records'],
  ['/api/tables/case/records/42', 'records'],
  ['/api/docs', 'pages'],
  ['/api/docs/schemas/cloud-event.json', 'pages'],
  ['/api/pages/definition?path=/orders', 'pages'],
  ['/api/tables/case/subscribe', 'fanout-gateway'],
  ['/api/tables/case/subscribe/sse', 'fanout-gateway'],
  ['/api/tables/subscribe/records', 'records'],
  ['/api/graphql', 'records'],
  ['/api/graphql/subscriptions', 'fanout-gateway'],
  ['/api/realtime/subscribe?topic=register/cases', 'fanout-gateway'],
  ['/api/connections/1', 'fanout-gateway'],
  ['/api/explain?principal=bob', 'fanout-gateway'],
  ['/api/auth/login', 'authz'],
  ['/push/ws', 'push-notifier'],
  ['/ocs/v2.php/apps/notify_push', 'push-notifier'],
  ['/livez', 'livez'],
  ['/readyz?verbose', 'readyz'],
] as const)('%s goes to %s', ([url, target]) => {
  expect(routeOf(url)).toBe(target);
});

test.for([
  '/metrics',
  '/metrics/',
  '//metrics',
  '/%6Detrics',
  '/metrics;x=1',
  '/metrics?x',
  '/api',
  '/api/unknown',
  '/api/objectsx',
])('%s leads nowhere from outside', (url) => {
  expect(routeOf(url)).toBe('none');
});

test.for([
  '*',
  'http://elsewhere/metrics',
  '',
  '/pages/../metrics',
  '/pages/%2e%2E/metrics',
  '/./metrics',
  '/%E0%A4%A',
])('%s is refused as malformed', (url) => {
  expect(routeOf(url)).toBe('malformed');
});

test.each(OPERATIONS.map(({ id, path, service }) => [id, path, service]))(
  '%s leads to the service that answers it',
  (_id, path, service) => {
    const target = routeOf(path.replaceAll(/\{[^}]+\}/g, 'x'));
    expect(service === 'edge' ? `/${target}` : target).toBe(service === 'edge' ? path : service);
  },
);
