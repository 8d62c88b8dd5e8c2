import { createInbox } from '@nats-io/transport-node';
import { BusUnavailableError } from './bus-error.ts';
import type { BusLink } from './bus-link.ts';
import { linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { requestRaw } from './request-reply.ts';

/** A client that is connected to one of the servers. */
export interface ClientConnection {
  /** Id of the server. */
  readonly server: string;
  /** Number of the connection at its server. */
  readonly cid: number;
  /** Whom it was let in as: a user of the configuration, or `AdmittedUser.name`. */
  readonly user: string;
}

export interface ConnectionQuery {
  /** The account's name. */
  readonly account: string;
  /** Only those of this user. */
  readonly user?: string;
  /** Nobody answers any more after so long without an answer. Default 300 ms. */
  readonly quietMs?: number;
  /** Connections of one server in one answer. Default 500. */
  readonly pageSize?: number;
}

/** What one server answers: a page of its connections, and how many there are. */
interface ServerPage {
  readonly server: string;
  readonly total: number;
  readonly connections: readonly ClientConnection[];
}

const LIST = '$SYS.REQ.SERVER.PING.CONNZ';
/** How long a server may take that is busy. */
const ANSWER_MS = 2000;
const DEFAULT_QUIET_MS = 300;
const DEFAULT_PAGE_SIZE = 500;
/** Pages that are read of what is without end: more connections than a cluster has. */
const MAX_PAGES = 10_000;

/**
 * Shows the connections of an account over all servers of a cluster, page by page, as the servers answer. Nobody knows how
 * many servers there are: all that answer are heard. Connections that are made meanwhile may be missing.
 *
 * Pages are read from the last to the first, because servers list connections by their number: what ends meanwhile moves
 * the others forward, so that none is passed over.
 *
 * @param onPage waited for before the next page is asked for; connections of one page are of one server.
 * @throws BusUnavailableError when not connected, when nobody answers, or when the connection is lost.
 */
export async function eachConnection(
  bus: MessageBus,
  query: ConnectionQuery,
  onPage: (connections: readonly ClientConnection[]) => Promise<void> | void,
): Promise<void> {
  const link = linkOf(bus);
  const { pageSize = DEFAULT_PAGE_SIZE } = query;
  let total = 0;
  const work: Promise<void>[] = [];
  const show = (page: ServerPage): void => {
    if (page.connections.length === 0) return;
    const shown = (async () => onPage(page.connections))();
    // It may fail while other servers still answer: whoever waits for all of it hears of it then.
    shown.catch(() => undefined);
    work.push(shown);
  };
  // The first question is the whole answer where there are few, which is mostly.
  const answers = await askServers(link, query, { offset: 0, limit: pageSize }, (page) => {
    total = Math.max(total, page.total);
    if (page.total <= pageSize) show(page);
  });
  await Promise.all(work);
  const large = new Set(answers.filter((page) => page.total > pageSize).map((page) => page.server));
  if (large.size === 0) return;
  const pages = Math.min(Math.ceil(total / pageSize), MAX_PAGES);
  for (let page = pages - 1; page >= 0; page -= 1) {
    work.length = 0;
    await askServers(link, query, { offset: page * pageSize, limit: pageSize }, (answer) => {
      if (large.has(answer.server)) show(answer);
    });
    await Promise.all(work);
  }
}

/**
 * Ends connections; those that are gone already are none of it. Resolves when their servers have done so.
 *
 * @throws BusUnavailableError when not connected, or when a server does not answer: some may be left then.
 */
export async function endConnections(
  bus: MessageBus,
  connections: readonly ClientConnection[],
): Promise<void> {
  const link = linkOf(bus);
  await Promise.all(
    connections.map(({ server, cid }) =>
      // Without asking for an answer it is not done.
      requestRaw(link, `$SYS.REQ.SERVER.${server}.KICK`, JSON.stringify({ cid }), ANSWER_MS),
    ),
  );
}

async function askServers(
  link: BusLink,
  { account, user, quietMs = DEFAULT_QUIET_MS }: ConnectionQuery,
  range: { readonly offset: number; readonly limit: number },
  onAnswer: (page: ServerPage) => void,
): Promise<readonly ServerPage[]> {
  const { connection, logger } = link;
  return await link.whileConnected(async () => {
    const answers: ServerPage[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let timer = setTimeout(() => reject(new BusUnavailableError(`no answer on ${LIST}`)), ANSWER_MS);
    const inbox = createInbox(link.inboxPrefix);
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return reject(new BusUnavailableError(`no answer on ${LIST}`, error));
        const page = readPage(message.data);
        if (page === undefined) return logger.warn('malformed answer dropped', { subject: LIST });
        clearTimeout(timer);
        timer = setTimeout(resolve, quietMs);
        answers.push({ ...page, connections: [] });
        onAnswer(page);
      },
    });
    try {
      const question = {
        auth: true,
        acc: account,
        sort: 'cid',
        ...(user !== undefined && { user }),
        ...range,
      };
      connection.publish(LIST, JSON.stringify(question), { reply: inbox });
      await promise;
      return answers;
    } finally {
      clearTimeout(timer);
      subscription.unsubscribe();
    }
  });
}

interface ListAnswer {
  readonly server?: { readonly id?: unknown };
  readonly data?: { readonly total?: unknown; readonly connections?: unknown };
}

/** What is not a connection with a number and a user is left out: nobody can end it by these. */
function readPage(payload: Uint8Array): ServerPage | undefined {
  let answer: ListAnswer;
  try {
    answer = JSON.parse(new TextDecoder().decode(payload)) as ListAnswer;
  } catch {
    return undefined;
  }
  const server = answer.server?.id;
  const total = answer.data?.total;
  // A server with no connection of the account says `null`.
  const listed = answer.data?.connections ?? [];
  if (typeof server !== 'string' || !/^N[A-Z2-7]+$/.test(server)) return undefined;
  if (typeof total !== 'number' || !Array.isArray(listed)) return undefined;
  const connections = listed.flatMap((entry: { cid?: unknown; authorized_user?: unknown } | null) => {
    const { cid, authorized_user: user } = entry ?? {};
    return typeof cid === 'number' && typeof user === 'string' ? [{ server, cid, user }] : [];
  });
  return { server, total, connections };
}
