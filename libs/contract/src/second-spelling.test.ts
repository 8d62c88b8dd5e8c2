import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_EVENT_TYPE_PREFIX, EVENT_NAMES } from './cloud-event.ts';
import { HTTP_HEADERS } from './http-header.ts';
import { CONNECTIONS_BUCKET } from './service-permissions.ts';
import {
  EVENTS_STREAM,
  EVENTS_STREAM_SUBJECTS,
  LOG_HEADERS,
  REQUEST_SUBJECTS,
  SIGNAL_SUBJECTS,
} from './subject.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Names that the contract gives; a header that HTTP itself defines is everybody's. */
const names = new Set<string>([
  EVENTS_STREAM,
  CONNECTIONS_BUCKET,
  DEFAULT_EVENT_TYPE_PREFIX,
  ...EVENTS_STREAM_SUBJECTS,
  ...Object.values(REQUEST_SUBJECTS),
  ...Object.values(SIGNAL_SUBJECTS),
  ...Object.values(LOG_HEADERS),
  ...Object.values(EVENT_NAMES),
  ...Object.values(HTTP_HEADERS).filter((name) => name !== 'traceparent'),
]);

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      return ['node_modules', 'dist-types', 'test', 'bench'].includes(entry.name)
        ? []
        : sourceFiles(join(folder, entry.name));
    }
    return entry.name.endsWith('.ts') && !/(\.(test|bench)|-(builder|suite|harness))\.ts$/.test(entry.name)
      ? [join(folder, entry.name)]
      : [];
  });
}

test('no name of the wire is spelled a second time outside the contract', () => {
  const spelled: string[] = [];
  for (const folder of ['libs', 'services', 'cli', 'deploy', 'scripts']) {
    for (const file of sourceFiles(join(root, folder))) {
      const path = relative(root, file).split(sep).join('/');
      if (path.startsWith('libs/contract/')) continue;
      for (const match of readFileSync(file, 'utf8').matchAll(/'([^'\n]*)'/g)) {
        const text = match[1] ?? '';
        if (names.has(text) || names.has(text.toLowerCase())) spelled.push(`${path}: '${text}'`);
      }
    }
  }
  expect(spelled).toEqual([]);
});
