import type { TopicList } from '@tidewire/contract';
import { useClient, useConnectionStatus } from '@tidewire/react';
import { useDeferredValue, useMemo, useState } from 'react';
import type { ReactElement } from 'react';
import { Caution, Empty, Refusal } from '../frame/notice.tsx';
import { navigate, usePlace } from '../frame/location.tsx';
import { useAnswer } from '../frame/use-answer.ts';
import { EventRow } from './event-row.tsx';
import { EVENT_KINDS, KEPT_EVENTS, matching } from './tail.ts';
import type { EventKind, Tail } from './tail.ts';
import { TopicChoice } from './topic-choice.tsx';
import { chosenTopics, followable } from './topics.ts';
import { describeLink } from './link-words.ts';
import { useTail } from './use-tail.ts';

/** What happens, as it happens. */
export function LiveView(): ReactElement {
  const { answer, error } = useAnswer<TopicList>('/api/realtime/topics');
  const { query } = usePlace();
  const offered = useMemo(() => followable(answer?.topics ?? []), [answer]);
  const chosen = chosenTopics(query.getAll('topic'), offered);
  const choose = (topics: readonly string[]): void => {
    const next = new URLSearchParams(topics.map((topic) => ['topic', topic]));
    navigate(next.size === 0 ? '/console' : `/console?${next.toString()}`, 'replace');
  };
  return (
    <section aria-labelledby="view-title">
      <h1 id="view-title">Live</h1>
      {error !== undefined && <Refusal error={error} />}
      {answer !== undefined && offered.length === 0 && <Empty>There is no register to follow.</Empty>}
      {chosen.length > 0 && (
        <Follow
          chosen={chosen}
          choice={<TopicChoice offered={offered} chosen={chosen} onChange={choose} />}
        />
      )}
    </section>
  );
}

interface FollowProps {
  readonly chosen: readonly string[];
  readonly choice: ReactElement;
}

function Follow({ chosen, choice }: FollowProps): ReactElement {
  const client = useClient();
  const { tail, live, ended, pause, resume, clear } = useTail(client, chosen);
  const [kinds, setKinds] = useState<ReadonlySet<EventKind>>(() => new Set(EVENT_KINDS));
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text);
  const shown = useMemo(() => matching(tail.entries, { kinds, text: wanted }), [tail.entries, kinds, wanted]);
  const toggle = (kind: EventKind, isWanted: boolean): void =>
    setKinds(
      (before) => new Set(isWanted ? [...before, kind] : [...before].filter((other) => other !== kind)),
    );
  return (
    <>
      <div className="bar">
        {choice}
        <label className="field">
          <span className="hidden">Text in an event</span>
          <input
            type="search"
            value={text}
            placeholder="Text in an event"
            maxLength={200}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <fieldset className="kinds">
          <legend className="hidden">Kinds of events</legend>
          {EVENT_KINDS.map((kind) => (
            <label key={kind}>
              <input
                type="checkbox"
                checked={kinds.has(kind)}
                onChange={(event) => toggle(kind, event.target.checked)}
              />
              {kind}
            </label>
          ))}
        </fieldset>
        <p className="actions">
          <button type="button" onClick={tail.paused ? resume : pause}>
            {tail.paused ? 'Resume' : 'Pause'}
          </button>
          <button type="button" onClick={clear} disabled={tail.entries.length === 0}>
            Clear
          </button>
        </p>
      </div>
      <Standing tail={tail} live={live} shown={shown.filter(({ kind }) => kind !== 'gap').length} />
      {ended.map(({ topic, error }) => (
        <div key={topic}>
          <p className="hint">
            <code>{topic}</code> is not followed any more:
          </p>
          <Refusal error={error} />
        </div>
      ))}
      {shown.length === 0 ? (
        <Empty>
          {tail.entries.length === 0
            ? 'Nothing has happened since this page was opened. Events appear here as they are written.'
            : 'None of the events that are kept matches.'}
        </Empty>
      ) : (
        <ol className="tail" aria-label="Events, newest first">
          {shown.map((entry) =>
            entry.kind === 'gap' ? (
              <li key={entry.id} className="gap">
                Events may be missing here: {entry.reason}.
              </li>
            ) : (
              <EventRow key={entry.id} entry={entry} />
            ),
          )}
        </ol>
      )}
    </>
  );
}

interface StandingProps {
  readonly tail: Tail;
  readonly live: boolean;
  readonly shown: number;
}

/** Whether this is what happens now. Only a change of that is read out; the counts would never end. */
function Standing({ tail, live, shown }: StandingProps): ReactElement {
  const link = useConnectionStatus();
  const { paused, waiting, dropped, seen } = tail;
  return (
    <>
      <div className="standing">
        <p role="status">
          <span className="state" data-state={live ? 'live' : 'behind'}>
            {live ? 'live' : 'behind'}
          </span>{' '}
          {live ? '' : describeLink(link)}
          {paused ? 'paused' : ''}
        </p>
        <p className="hint">
          {shown} shown of {seen} since this page was opened; the newest {KEPT_EVENTS} are kept.
        </p>
      </div>
      {paused && (
        <Caution>
          Paused. {waiting.length + dropped} {waiting.length + dropped === 1 ? 'event has' : 'events have'}{' '}
          come since
          {dropped === 0 ? '.' : `, ${dropped} of which were not kept.`}
        </Caution>
      )}
    </>
  );
}
