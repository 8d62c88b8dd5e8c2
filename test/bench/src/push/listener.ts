/** The sockets of the benchmark of push, in a process of their own: writes down what each is told, and when. */
import { PUSH_TEXTS, pushBodySchema } from '@tidewire/contract';
import { forEachAtOnce } from '../../../support/crowd.ts';
import { PushListener } from '../../../support/push-listener.ts';
import type { HeardOnSocket, PushLogin, PushOrder, PushReport } from './push-orders.ts';

const CONNECTS_AT_ONCE = 20;

class Ear {
  listener: PushListener | undefined;
  #events = new Map<string, number>();
  #reminders: number[] = [];
  #unexpected = 0;

  readonly onText = (text: string): void => {
    const at = performance.timeOrigin + performance.now();
    if (text === PUSH_TEXTS.notification) {
      this.#reminders.push(at);
      return;
    }
    const { uuid, version } = pushBodySchema.parse(JSON.parse(text.slice(text.indexOf(' ') + 1)));
    const event = `${uuid ?? ''} ${version ?? ''}`;
    if (!text.startsWith('or-object-') || this.#events.has(event)) this.#unexpected += 1;
    else this.#events.set(event, at);
  };

  take(): HeardOnSocket {
    const heard = {
      events: [...this.#events],
      reminders: this.#reminders,
      unexpected: this.#unexpected,
      isClosed: this.listener?.isClosed ?? true,
    };
    this.#events = new Map();
    this.#reminders = [];
    this.#unexpected = 0;
    return heard;
  }
}

let ears: Ear[] = [];

async function open(logins: readonly PushLogin[]): Promise<void> {
  ears = logins.map(() => new Ear());
  await forEachAtOnce(logins.entries(), CONNECTS_AT_ONCE, async ([index, login]) => {
    const ear = ears[index];
    if (ear !== undefined) ear.listener = await PushListener.connect({ ...login, onText: ear.onText });
  });
}

function close(): void {
  for (const { listener } of ears) listener?.[Symbol.dispose]();
  ears = [];
}

async function obey(order: PushOrder): Promise<readonly HeardOnSocket[]> {
  if (order.type === 'open') await open(order.logins);
  if (order.type === 'close') close();
  return order.type === 'report' ? ears.map((ear) => ear.take()) : [];
}

process.on('message', (order: PushOrder) => {
  const answer = (report: PushReport): void => void process.send?.(report);
  obey(order).then(
    (sockets) => answer({ type: 'done', sockets }),
    (error: unknown) => answer({ type: 'failed', message: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
