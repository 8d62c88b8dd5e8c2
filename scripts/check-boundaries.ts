/** Refuses imports and words that cross a layer. The rule itself is in ARCHITECTURE.md; this file makes it true. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Workspace folder -> the Tidewire packages that its sources may import. Tests may import test-kit besides. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  'libs/contract': [],
  'libs/condition': ['contract'],
  'libs/policy': ['contract', 'condition'],
  'libs/graphql': ['contract', 'condition'],
  'libs/messaging': ['contract'],
  'libs/service-kit': ['contract'],
  'libs/rights': ['contract', 'policy', 'messaging', 'service-kit'],
  'libs/client': ['contract'],
  'libs/react': ['client'],
  'libs/tanstack-db': ['client'],
  'libs/test-kit': ['contract', 'local', 'messaging', 'service-kit'],
  'services/records': ['contract', 'condition', 'graphql', 'policy', 'messaging', 'service-kit'],
  'services/relay': ['contract', 'messaging', 'service-kit'],
  'services/authz': ['contract', 'condition', 'policy', 'messaging', 'service-kit'],
  'services/fanout-gateway': [
    'contract',
    'condition',
    'graphql',
    'policy',
    'rights',
    'messaging',
    'service-kit',
  ],
  'services/push-notifier': ['contract', 'condition', 'policy', 'rights', 'messaging', 'service-kit'],
  'services/pages': ['contract', 'service-kit', 'client', 'react'],
  'deploy/local': ['contract', 'messaging', 'service-kit'],
  'cli': ['contract'],
  'test': [
    'contract',
    'condition',
    'graphql',
    'policy',
    'messaging',
    'service-kit',
    'client',
    'react',
    'tanstack-db',
    'test-kit',
    'local',
  ],
  'scripts': [
    'contract',
    'service-kit',
    'records',
    'relay',
    'authz',
    'fanout-gateway',
    'push-notifier',
    'pages',
  ],
};

interface LineRule {
  readonly pattern: RegExp;
  /** Paths where the pattern is at home. */
  readonly allowed: RegExp;
  readonly message: string;
}

const LINE_RULES: readonly LineRule[] = [
  {
    pattern: /from '@nats-io\//,
    // The client of the tests is what other teams have: the ordinary one, with nothing of ours.
    allowed: /^libs\/messaging\/|^libs\/test-kit\/src\/subscriber-client\.ts$/,
    message: 'only libs/messaging imports @nats-io',
  },
  {
    pattern: /from '(fastify|pino)'/,
    allowed: /^(libs\/service-kit\/|services\/[^/]+\/src\/(server\.ts|routes\/|plugins\/)|deploy\/local\/)/,
    message: 'fastify and pino belong to service-kit, server.ts, routes/ and plugins/',
  },
  {
    pattern: /process\.env\b/,
    allowed:
      /^(libs\/service-kit\/|libs\/test-kit\/|deploy\/local\/|scripts\/|cli\/src\/main\.ts)|(^|\/)test\/|\.test\.ts$/,
    message: "process.env is read by service-kit's config only",
  },
  {
    // Those who hold a Web Lock are asked for with `locks.query()`.
    pattern: /(?<!\blocks)\.query(<[^>]*>)?\(/,
    allowed:
      /(-postgres\.ts|\.pg\.test\.ts|\.e2e\.test\.ts|\.nats\.test\.ts)$|^(libs\/service-kit\/|libs\/test-kit\/|deploy\/|test\/|services\/[^/]+\/test\/)/,
    message: 'SQL belongs to *-postgres.ts files and migrations',
  },
  {
    pattern: /'(events|authz|catalogue|relay)\.[a-z*>]|'\$JS\.|'\$KV\./,
    allowed: /^libs\/(contract|messaging)\/|\.test\.ts$|^test\/|^services\/[^/]+\/test\//,
    message: 'subjects are spelled in libs/contract/src/subject.ts only',
  },
];

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist-types' || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return /\.(ts|tsx|mts)$/.test(entry.name) ? [path] : [];
  });
}

function isTest(path: string): boolean {
  return /\.(test|bench)\.ts$/.test(path) || /(^|\/)test\//.test(path);
}

function faultsOf(folder: string, path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const layer = LAYERS[folder] ?? [];
  const own = (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string }).name;
  const faults: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const at = `${path}:${index + 1}`;
    const imported = /(?:from|import) '@tidewire\/([a-z-]+)(\/[^']*)?'/.exec(line);
    if (imported?.[1] !== undefined) {
      const name = imported[1];
      if (imported[2] !== undefined) faults.push(`${at}: a package has one door; import '@tidewire/${name}'`);
      if (`@tidewire/${name}` === own)
        faults.push(`${at}: inside a package, import the file, not the package`);
      else if (!layer.includes(name) && !(isTest(path) && name === 'test-kit')) {
        faults.push(`${at}: ${folder} may not import @tidewire/${name}`);
      }
    }
    if (/from '\.\/index\.ts'/.test(line))
      faults.push(`${at}: inside a package, import the file, not its index`);
    for (const rule of LINE_RULES) {
      if (rule.pattern.test(line) && !rule.allowed.test(path)) faults.push(`${at}: ${rule.message}`);
    }
  }
  return faults;
}

const faults = Object.keys(LAYERS)
  .filter((folder) => folder !== 'scripts')
  .flatMap((folder) =>
    sourceFiles(join(root, folder)).flatMap((file) =>
      faultsOf(folder, relative(root, file).split(sep).join('/')),
    ),
  );
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exit(1);
process.stdout.write('boundaries: every import stays in its layer\n');
