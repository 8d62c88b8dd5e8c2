import type { EventExplanation } from '@tidewire/contract';
import { ClientError } from '@tidewire/client';
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { callApi } from '../frame/api.ts';
import { Link } from '../frame/location.tsx';
import { Caution, Empty, Refusal } from '../frame/notice.tsx';
import { usePrincipals } from '../frame/principal-field.tsx';
import { addressOf, requestOf } from './explain-query.ts';
import { describeDelivery } from './words.ts';

/** Each is a request of its own, one after the other, since a gateway explains few things at once. */
const ASKED_PRINCIPALS = 50;
/** How often a gateway that is busy is asked again for one of them. */
const ATTEMPTS = 5;
const BUSY_STATUS = 503;

interface Progress {
  readonly answers: readonly EventExplanation[];
  readonly error?: ClientError;
}

/** Who would see an event: everybody is asked about, one by one, and shown as it comes. */
export function Everybody({ event }: { readonly event: string }): ReactElement {
  const principals = usePrincipals();
  const ids = (principals ?? []).slice(0, ASKED_PRINCIPALS).map(({ id }) => id);
  const { answers, error } = useAnswers(event, ids);
  const told = answers.filter(({ delivered }) => delivered).length;
  const done = principals !== undefined && (error !== undefined || answers.length === ids.length);
  return (
    <article className="explanation" aria-label="Explanation">
      <h2>Who would see it</h2>
      <p role="status">
        {done
          ? `${told} of ${answers.length} would be told of it.`
          : `Asked about ${answers.length} of ${ids.length}.`}
      </p>
      {error !== undefined && <Refusal error={error} />}
      {(principals?.length ?? 0) > ASKED_PRINCIPALS && (
        <Caution>These are the first {ASKED_PRINCIPALS}. Ask about anybody else by name.</Caution>
      )}
      {answers.length === 0 && error === undefined && <Empty>Asking.</Empty>}
      <ul className="who-sees">
        {answers.map((answer) => (
          <li key={answer.principal.id}>
            <Link to={addressOf({ principal: answer.principal.id, about: 'event', name: event, filter: '' })}>
              <span className="badge" data-good={answer.delivered}>
                {answer.delivered ? (answer.transition ?? 'told') : 'not told'}
              </span>{' '}
              <strong>{describeDelivery(answer)}</strong>
            </Link>
            <p className="hint">{answer.verdict}</p>
          </li>
        ))}
      </ul>
    </article>
  );
}

function useAnswers(event: string, ids: readonly string[]): Progress {
  const [progress, setProgress] = useState<Progress>({ answers: [] });
  const asked = JSON.stringify(ids);
  useEffect(() => {
    const abort = new AbortController();
    setProgress({ answers: [] });
    const askAll = async (): Promise<void> => {
      for (const principal of JSON.parse(asked) as string[]) {
        const question = { principal, about: 'event', name: event, filter: '' } as const;
        const answer = await askPatiently(requestOf(question), abort.signal);
        if (abort.signal.aborted) return;
        setProgress(({ answers }) => ({ answers: [...answers, answer] }));
      }
    };
    askAll().catch((failure: unknown) => {
      if (abort.signal.aborted) return;
      const error = failure instanceof ClientError ? failure : new ClientError('UNKNOWN', String(failure));
      setProgress(({ answers }) => ({ answers, error }));
    });
    return () => abort.abort();
  }, [event, asked]);
  return progress;
}

/** A gateway that is busy explaining says when to come again. */
async function askPatiently(path: string, signal: AbortSignal): Promise<EventExplanation> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await callApi<EventExplanation>(path, { signal });
    } catch (error) {
      if (!(error instanceof ClientError) || error.status !== BUSY_STATUS || attempt === ATTEMPTS)
        throw error;
      await pause(error.retryAfterMs ?? 1000, signal);
    }
  }
}

function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, pauseMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
