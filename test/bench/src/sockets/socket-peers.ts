import type { Platform } from '@tidewire/test-kit';
import { readMemoryFigures } from './process-heap.ts';
import type { MemoryFigures } from './process-heap.ts';
import type { Nchan } from './nchan.ts';
import { readProcessFigures } from '../process-figures.ts';
import { plainMessage } from './socket-orders.ts';
import type { SocketOrder, SocketReport } from './socket-orders.ts';
import type { SocketProcess } from './socket-process.ts';
import type { SocketTown } from './socket-town.ts';
import { VIEW_CLASSES } from './view-classes.ts';
import type { SocketWrite } from './view-classes.ts';

/** A server with sockets on it: Tidewire's gateway, or what it is compared with. */
export interface Peer {
  readonly name: string;
  readonly load: SocketProcess;
  /** Opens so many; resolves when every one of them would be told of the next event. */
  readonly open: (sockets: number, deflate?: boolean) => Promise<SocketReport>;
  readonly write: (writes: readonly SocketWrite[]) => Promise<void>;
  readonly cpuSeconds: () => number;
  readonly memory: () => Promise<MemoryFigures>;
}

/** A gateway. Sockets of one reader are opened side by side, each reader in turn. */
export function createGatewayPeer(platform: Platform, town: SocketTown, load: SocketProcess): Peer {
  const [gateway] = platform.gateways;
  if (gateway === undefined) throw new Error('there is no gateway');
  const { hostname, port } = new URL(gateway.url);
  return {
    name: 'Tidewire',
    load,
    open: (sockets, deflate = false) =>
      load.order({
        type: 'open',
        host: hostname,
        port: Number(port),
        deflate,
        classes: VIEW_CLASSES,
        sockets: spread(town.readers, sockets),
      }),
    write: town.write,
    cpuSeconds: () => readProcessFigures(gateway.pid)?.cpuSeconds ?? Number.NaN,
    memory: () => readMemoryFigures(gateway.pid),
  };
}

/** Every socket gets every message: nchan knows no rights. */
export function createNchanPeer({ host, port, path, pid, publish }: Nchan, load: SocketProcess): Peer {
  return {
    name: 'nchan',
    load,
    open: (sockets) =>
      load.order({
        type: 'open',
        host,
        port,
        deflate: false,
        classes: undefined,
        sockets: spread([{ path, viewClass: 0 }], sockets),
      }),
    write: async (writes) => {
      await Promise.all(writes.map((write) => publish(plainMessage(write))));
    },
    cpuSeconds: () => readProcessFigures(pid)?.cpuSeconds ?? Number.NaN,
    memory: () =>
      Promise.resolve({
        resident: readProcessFigures(pid)?.residentKilobytes ?? Number.NaN,
        heap: Number.NaN,
      }),
  };
}

type Sockets = Extract<SocketOrder, { type: 'open' }>['sockets'];

function spread(kinds: Sockets, count: number): Sockets {
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length]).filter(
    (kind) => kind !== undefined,
  );
}
