import type { AnyTables, Client, ClientError, Subscription } from '@tidewire/client';
import { useCallback, useEffect, useRef, useState } from 'react';
import {
  EMPTY_TAIL,
  KEPT_EVENTS,
  addEntries,
  clearTail,
  pauseTail,
  resumeTail,
  toTailEvent,
  toTailGap,
} from './tail.ts';
import type { Tail, TailEntry } from './tail.ts';

/** The tail is drawn this often at most, however much comes. Milliseconds. */
const DRAW_EVERY_MS = 150;

/** Why the events of one topic do not come any more. */
export interface EndedTopic {
  readonly topic: string;
  readonly error: ClientError;
}

export interface TailView {
  readonly tail: Tail;
  /** Whether the events of every topic come as they happen. */
  readonly live: boolean;
  readonly ended: readonly EndedTopic[];
  readonly pause: () => void;
  readonly resume: () => void;
  readonly clear: () => void;
}

interface Feed {
  readonly live: boolean;
  readonly ended: readonly EndedTopic[];
}
const NO_FEED: Feed = { live: false, ended: [] };

/** What happens in these topics, while the component is there. Other topics begin a new tail. */
export function useTail(client: Client<AnyTables>, topics: readonly string[]): TailView {
  const [tail, setTail] = useState<Tail>(EMPTY_TAIL);
  const [feed, setFeed] = useState<Feed>(NO_FEED);
  const came = useRef<TailEntry[]>([]);
  const wanted = JSON.stringify(topics);

  useEffect(() => {
    setTail(({ paused }) => ({ ...EMPTY_TAIL, paused }));
    setFeed(NO_FEED);
    const chosen = JSON.parse(wanted) as string[];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = (): void => {
      clearTimeout(timer);
      timer = undefined;
      const entries = came.current.splice(0);
      setTail((before) => addEntries(before, entries));
    };
    const take = (entry: TailEntry): void => {
      came.current.push(entry);
      timer ??= setTimeout(draw, DRAW_EVERY_MS);
      // A page in the background draws rarely. What does not fit the tail is counted and let go by then.
      if (came.current.length >= KEPT_EVENTS) draw();
    };
    const stop = follow(client, chosen, { take, feed: setFeed });
    return () => {
      stop();
      clearTimeout(timer);
      came.current = [];
    };
  }, [client, wanted]);

  const pause = useCallback(() => setTail(pauseTail), []);
  const resume = useCallback(() => setTail(resumeTail), []);
  const clear = useCallback(() => setTail(clearTail), []);
  return { tail, ...feed, pause, resume, clear };
}

interface Sinks {
  take(entry: TailEntry): void;
  feed(feed: Feed): void;
}

/** Subscribes to each topic; the whole is live when every one is that has not ended. */
function follow(client: Client<AnyTables>, topics: readonly string[], sinks: Sinks): () => void {
  const live = new Set<string>();
  const ended = new Map<string, ClientError>();
  let over = false;
  const tell = (): void => {
    if (over) return;
    sinks.feed({
      live: topics.length > ended.size && topics.every((topic) => live.has(topic) || ended.has(topic)),
      ended: [...ended].map(([topic, error]) => ({ topic, error })),
    });
  };
  const subscriptions: Subscription[] = topics.map((topic) =>
    client.subscribe(
      { topic },
      {
        event: (event) => sinks.take(toTailEvent(event)),
        resync: ({ reason, current }) => sinks.take(toTailGap(describeResync(reason), current)),
        live: (isLive) => {
          if (isLive) live.add(topic);
          else live.delete(topic);
          tell();
        },
        ended: (error) => {
          ended.set(topic, error);
          tell();
        },
      },
    ),
  );
  return () => {
    over = true;
    for (const subscription of subscriptions) subscription.close();
  };
}

/** Reasons of a resync (PROTOCOL.md 4.3) for people. */
function describeResync(reason: string): string {
  const words: Readonly<Record<string, string>> = {
    'behind': 'more happened than could be sent',
    'too-deep': 'more happened than could be sent',
    'rights-changed': 'what may be seen changed',
    'time': 'a rule depends on the time of day',
    'unencodable': 'an event could not be sent',
    'expired': 'the connection was away for longer than the log reaches back',
    'epoch': 'the log is another one',
    'ahead': 'the log is another one',
  };
  return words[reason] ?? reason;
}
