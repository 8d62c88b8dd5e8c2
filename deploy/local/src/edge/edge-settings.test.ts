import { expect, test } from 'vitest';
import { formatUpstreams, readEdgeSettings } from './edge-settings.ts';

test('reads addresses, port and the processes of each service', () => {
  const settings = readEdgeSettings({
    TIDEWIRE_HOST: '0.0.0.0, ::',
    TIDEWIRE_PORT: '80',
    TIDEWIRE_DRAIN_MS: '100',
    TIDEWIRE_EDGE_UPSTREAMS: 'records=http://records:8080 fanout-gateway=http://g-1:8080,http://[::1]:81',
  });
  expect(settings).toEqual({
    hosts: ['0.0.0.0', '::'],
    port: 80,
    drainMs: 100,
    upstreams: new Map([
      ['records', [{ host: 'records', port: 8080 }]],
      [
        'fanout-gateway',
        [
          { host: 'g-1', port: 8080 },
          { host: '::1', port: 81 },
        ],
      ],
    ]),
  });
});

test('stays on loopback unless told otherwise', () => {
  const settings = readEdgeSettings({ TIDEWIRE_EDGE_UPSTREAMS: 'pages=http://127.0.0.1:1' });
  expect(settings.hosts).toEqual(['127.0.0.1', '::1']);
  expect(settings.port).toBe(8080);
});

test('names every fault at once', () => {
  const environment = {
    TIDEWIRE_PORT: 'http',
    TIDEWIRE_DRAIN_MS: '-1',
    TIDEWIRE_EDGE_UPSTREAMS: 'recrods=http://a:1 pages=ftp://b',
    TIDEWIRE_TRUSTED_PROXIES: 'everybody',
  };
  expect(() => readEdgeSettings(environment)).toThrow(
    /TIDEWIRE_PORT must[\s\S]*TIDEWIRE_DRAIN_MS must[\s\S]*no service "recrods"[\s\S]*pages=ftp:\/\/b is not[\s\S]*TIDEWIRE_TRUSTED_PROXIES must/,
  );
  expect(() => readEdgeSettings({})).toThrow('TIDEWIRE_EDGE_UPSTREAMS is missing');
});

test('formats what it reads', () => {
  const upstreams = new Map([
    [
      'pages' as const,
      [
        { host: '127.0.0.1', port: 4001 },
        { host: '::1', port: 4002 },
      ],
    ],
  ]);
  expect(readEdgeSettings({ TIDEWIRE_EDGE_UPSTREAMS: formatUpstreams(upstreams) }).upstreams).toEqual(
    upstreams,
  );
});
