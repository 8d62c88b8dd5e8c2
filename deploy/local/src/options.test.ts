import { expect, test } from 'vitest';
import { HELP, parseOptions } from './options.ts';

test('without options the origin is on port 8080, with one gateway and the demo', () => {
  expect(parseOptions([])).toEqual({
    kind: 'run',
    options: {
      port: 8080,
      dataDir: './.tidewire',
      demo: true,
      gateways: 1,
      records: 1,
      notifiers: 1,
      pages: undefined,
      reset: false,
      verbose: false,
    },
  });
});

test('reads every option, with a blank or an equals sign, and lets the last one win', () => {
  const args = [
    '--port=9090',
    '--port',
    '0',
    '--data-dir',
    '/tmp/x y',
    '--gateways=3',
    '--records=2',
    '--notifiers=3',
    '--pages',
    'my pages.yaml',
    '--no-demo',
    '--reset',
    '--verbose',
  ];
  expect(parseOptions(args)).toEqual({
    kind: 'run',
    options: {
      port: 0,
      dataDir: '/tmp/x y',
      demo: false,
      gateways: 3,
      records: 2,
      notifiers: 3,
      pages: 'my pages.yaml',
      reset: true,
      verbose: true,
    },
  });
});

test.for([['--help'], ['-h'], ['--port', '1', '--help']])(
  '%s asks for help, which names every option',
  (args) => {
    expect(parseOptions(args)).toEqual({ kind: 'help' });
    for (const option of [
      '--port',
      '--data-dir',
      '--gateways',
      '--records',
      '--notifiers',
      '--pages',
      '--no-demo',
      '--reset',
      '--verbose',
      '--help',
    ]) {
      expect(HELP).toContain(option);
    }
  },
);

test('an unknown option is named together with the known ones', () => {
  expect(parseOptions(['--prot', '1'])).toMatchObject({ kind: 'unknown', option: '--prot' });
  expect(parseOptions(['--__proto__'])).toMatchObject({ kind: 'unknown', option: '--__proto__' });
  const parsed = parseOptions(['--resett']);
  expect(parsed.kind === 'unknown' && parsed.known).toContain('--reset');
});

test.for([
  [['--port'], '--port needs a value'],
  [['--port='], '--port needs a value'],
  [['--port', 'http'], '--port must be a whole number from 0 to 65535'],
  [['--port', '65536'], '--port must be'],
  [['--port', '-1'], '--port'],
  [['--gateways', '0'], '--gateways must be a whole number from 1 to 32'],
  [['--gateways', '1.5'], '--gateways must be'],
  [['--records', '9'], '--records must be a whole number from 1 to 8'],
  [['--pages', ''], '--pages needs a value, for instance --pages ./my-pages.yaml'],
  [['--notifiers', '0'], '--notifiers must be a whole number from 1 to 8'],
  [['--reset=yes'], '--reset takes no value'],
  [['8080'], '"8080" is not an option'],
] as const)('%j is refused: %s', ([args, message]) => {
  const parsed = parseOptions(args);
  expect(parsed.kind).toBe('invalid');
  expect(parsed.kind === 'invalid' && parsed.message).toContain(message);
});
