/**
 * The streams of the revocation benchmark, in a process of their own: opens, reports and closes groups of them as its
 * parent says. One argument: the address of the gateway.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { nowUs } from '../bench-town.ts';
import { createStreamReader } from '../stream-reader.ts';
import type { Frame } from '../stream-reader.ts';
import type { WatchAnswer, WatchOrder, Watched } from './watch-plan.ts';

interface Watch {
  readonly socket: Socket;
  lastEventUs: number;
  toldUs: number | undefined;
  toldAs: string | undefined;
  eventsAfter: number;
}

const { hostname, port } = new URL(process.argv[2] ?? '');
const groups = new Map<string, readonly Watch[]>();

function open({ path = '', header = '' }: WatchOrder): Promise<Watch> {
  return new Promise((opened, failed) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const watch: Watch = { socket, lastEventUs: 0, toldUs: undefined, toldAs: undefined, eventsAfter: 0 };
    const reader = createStreamReader({
      onOpen(status) {
        if (status !== 200) failed(new Error(`a stream was refused with ${status}`));
      },
      onFrame(frame) {
        opened(watch);
        take(watch, frame);
      },
    });
    socket.on('data', (bytes) => reader.push(bytes));
    socket.on('error', failed);
    socket.on('close', () => tell(watch, 'close'));
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\naccept: text/event-stream\r\n${header}\r\n\r\n`,
    );
  });
}

function take(watch: Watch, { event, data }: Frame): void {
  if (event === 'resync' || event === 'end') tell(watch, event);
  else if (data.includes('"transition":"left"')) tell(watch, 'left');
  else if (event?.startsWith('object.') === true) {
    watch.lastEventUs = nowUs();
    if (watch.toldUs !== undefined) watch.eventsAfter += 1;
  }
}

function tell(watch: Watch, how: string): void {
  watch.toldUs ??= nowUs();
  watch.toldAs ??= how;
}

function answer(type: WatchAnswer['type'], group: string): void {
  const isAsked = ([name]: readonly [string, unknown]): boolean => name.startsWith(group);
  const streams = [...groups]
    .filter(isAsked)
    .flatMap(([, watches]) => watches)
    .map(({ lastEventUs, toldUs, toldAs, eventsAfter }): Watched => ({
      lastEventUs,
      toldUs,
      toldAs,
      eventsAfter,
    }));
  const others = [...groups].filter((entry) => !isAsked(entry)).flatMap(([, watches]) => watches);
  const bystandersTold = others.filter(({ toldUs }) => toldUs !== undefined).length;
  process.send?.({ type, group, streams, bystandersTold } satisfies WatchAnswer);
}

async function obey(order: WatchOrder): Promise<void> {
  const { type, group, count = 0 } = order;
  if (type === 'open') {
    groups.set(group, await Promise.all(Array.from({ length: count }, () => open(order))));
    answer('opened', group);
  } else if (type === 'report') answer('report', group);
  else {
    for (const [name, watches] of groups) {
      if (!name.startsWith(group)) continue;
      for (const { socket } of watches) socket.destroy();
      groups.delete(name);
    }
    answer('closed', group);
  }
}

process.on('message', (order: WatchOrder) => {
  obey(order).catch((error: unknown) =>
    process.send?.({
      type: 'failed',
      group: order.group,
      streams: [],
      bystandersTold: 0,
      message: String(error),
    } satisfies WatchAnswer),
  );
});
process.on('disconnect', () => process.exit(0));
