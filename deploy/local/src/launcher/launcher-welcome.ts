import { relative } from 'node:path';
import { DEMO_ACCOUNTS } from './launcher-demo.ts';
import type { Paint } from '../progress.ts';

interface WelcomeFacts {
  readonly origin: string;
  /** Where servers of other teams subscribe; without a user. */
  readonly natsServer: string;
  readonly demo: boolean;
  readonly readyAfterMs: number;
  /** As it was given, for people. */
  readonly dataDir: string;
  readonly tokenFile: string;
}

/** The last thing a start says: where it is, who can enter, and what to try first. */
export function formatWelcome(
  { origin, natsServer, demo, readyAfterMs, dataDir, tokenFile }: WelcomeFacts,
  paint: Paint,
): string {
  const seconds = (readyAfterMs / 1000).toFixed(1);
  const lines = [
    '',
    `  Tidewire is ready at ${paint.bold(paint.accent(origin))}  ${paint.dim(`after ${seconds} s`)}`,
    '',
  ];
  if (demo) {
    lines.push(
      `  ${paint.dim('accounts')}   ${DEMO_ACCOUNTS.join(', ')}`,
      `  ${paint.dim('tokens')}     ${DEMO_ACCOUNTS.map((name) => `demo-${name}`).join(', ')}`,
      `  ${paint.dim('password')}   demo, for each of them`,
      '',
      '  Watch what Alice may see, and in a second terminal change a row:',
      '',
      `    curl -N '${origin}/api/realtime/subscribe?topic=register/shop&token=demo-alice'`,
      '',
      `    curl ${origin}/api/objects/shop/orders -H 'Authorization: Bearer demo-alice' \\`,
      `      -H 'Content-Type: application/json' -d '{"customer": "You", "total": 12.5}'`,
      '',
      '  Or let thousands of real reports come in:',
      '',
      `    npm run demo${origin.endsWith(':8080') ? '' : ` -- --url ${origin}`}`,
      '',
    );
  }
  if (!demo) {
    lines.push(
      '  You are its administrator, with the token in a file that only you can read:',
      '',
      `    curl ${origin}/api/auth/me -H "Authorization: Bearer $(cat '${relative('.', tokenFile)}')"`,
      '',
    );
  }
  lines.push(
    `  Every request is described at ${paint.accent(`${origin}/api/docs`)}.`,
    `  NATS clients subscribe at ${natsServer} with the same tokens.`,
    '',
    `  ${paint.dim(`Data, secrets and logs are in ${dataDir}. Ctrl-C stops everything; the data stays.`)}`,
    '',
  );
  return lines.join('\n');
}
