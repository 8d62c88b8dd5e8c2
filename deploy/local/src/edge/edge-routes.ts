/** The services behind the origin, by the names that the edge's configuration uses. */
export const EDGE_SERVICES = ['records', 'authz', 'fanout-gateway', 'push-notifier', 'pages'] as const;
export type EdgeService = (typeof EDGE_SERVICES)[number];

/** Where a request goes: to a service, to the edge's own health endpoints, nowhere, or it is not a path at all. */
export type EdgeTarget = EdgeService | 'livez' | 'readyz' | 'none' | 'malformed';

/**
 * One origin, many services. The first line that matches wins; `*` is any one segment, and a path matches its
 * whole subtree. `/metrics` is answered on each service's own port only: from outside it does not exist.
 */
const ROUTES: readonly (readonly [path: string, target: EdgeTarget])[] = [
  ['/api/realtime', 'fanout-gateway'],
  ['/api/tables/*/subscribe', 'fanout-gateway'],
  ['/api/graphql/subscriptions', 'fanout-gateway'],
  ['/api/graphql/stream', 'fanout-gateway'],
  ['/api/objects', 'records'],
  ['/api/tables', 'records'],
  ['/api/registers', 'records'],
  ['/api/schemas', 'records'],
  ['/api/graphql', 'records'],
  ['/api/docs', 'pages'],
  ['/api/pages', 'pages'],
  ['/api/auth', 'authz'],
  ['/api/principals', 'authz'],
  ['/api/organisations', 'authz'],
  ['/api/groups', 'authz'],
  ['/api/policies', 'authz'],
  ['/api/issuers', 'authz'],
  ['/api/audit', 'authz'],
  ['/api/connections', 'fanout-gateway'],
  ['/api/explain', 'fanout-gateway'],
  ['/api/push', 'push-notifier'],
  ['/api/webhooks', 'push-notifier'],
  ['/push', 'push-notifier'],
  ['/apps/notify_push', 'push-notifier'],
  ['/ocs/v2.php', 'push-notifier'],
  ['/api', 'none'],
  ['/metrics', 'none'],
  ['/livez', 'livez'],
  ['/readyz', 'readyz'],
  ['/', 'pages'],
];

const patterns = ROUTES.map(([path, target]) => ({ segments: segmentsOf(path), target }));

/**
 * The target of a request's URL as it stands in the request line. Segments are decoded before they are compared,
 * because the services' routers decode them too: `/%6Detrics` must not be a way around `/metrics`.
 */
export function routeOf(url: string): EdgeTarget {
  if (!url.startsWith('/')) return 'malformed';
  const pathname = url.split(/[?#;]/, 1)[0] ?? url;
  const segments = decodedSegmentsOf(pathname);
  if (segments === undefined) return 'malformed';
  const match = patterns.find((pattern) => isPrefix(pattern.segments, segments));
  return match?.target ?? 'none';
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function decodedSegmentsOf(pathname: string): string[] | undefined {
  try {
    const segments = segmentsOf(pathname).map(decodeURIComponent);
    const climbs = segments.some((segment) => segment === '.' || segment === '..');
    return climbs ? undefined : segments;
  } catch {
    return undefined;
  }
}

function isPrefix(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length > segments.length) return false;
  return pattern.every((expected, index) => expected === '*' || expected === segments[index]);
}
