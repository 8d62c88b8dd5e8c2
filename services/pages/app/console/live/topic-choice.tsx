import { useEffect, useRef } from 'react';
import type { ReactElement } from 'react';
import { MOST_TOPICS } from './topics.ts';
import type { Offered } from './topics.ts';

interface TopicChoiceProps {
  readonly offered: readonly Offered[];
  readonly chosen: readonly string[];
  readonly onChange: (topics: readonly string[]) => void;
}

/** Registers, and the schemas of each below it. */
export function TopicChoice({ offered, chosen, onChange }: TopicChoiceProps): ReactElement {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => closeFromOutside(details.current), []);
  const full = chosen.length >= MOST_TOPICS;
  const toggle = (topic: string, wanted: boolean): void =>
    onChange(wanted ? [...chosen, topic] : chosen.filter((other) => other !== topic));
  return (
    <details ref={details} className="topics">
      <summary>{summaryOf(chosen, offered)}</summary>
      <fieldset>
        <legend className="hidden">Topics to follow</legend>
        {offered.map(({ topic, kind, title }) => (
          <label key={topic} data-kind={kind}>
            <input
              type="checkbox"
              checked={chosen.includes(topic)}
              disabled={full && !chosen.includes(topic)}
              onChange={(event) => toggle(topic, event.target.checked)}
            />
            <span>
              {title} <code>{topic}</code>
            </span>
          </label>
        ))}
        <p className="hint">Where nothing is chosen, all registers are followed.</p>
        {full && <p className="hint">These are {MOST_TOPICS}, and no more can be followed at once.</p>}
      </fieldset>
    </details>
  );
}

function summaryOf(chosen: readonly string[], offered: readonly Offered[]): string {
  const [first] = chosen;
  if (first === undefined) return 'Choose topics';
  if (chosen.length > 1) return `${chosen.length} topics`;
  return offered.find(({ topic }) => topic === first)?.title ?? first;
}

/** What lies over the page goes away by Escape, and when something else is pressed. The answer stops that. */
function closeFromOutside(details: HTMLDetailsElement | null): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  const press = ({ target }: Event): void => {
    if (details !== null && !details.contains(target as Node)) details.open = false;
  };
  const type = ({ key }: KeyboardEvent): void => {
    if (key !== 'Escape' || details?.open !== true) return;
    details.open = false;
    details.querySelector('summary')?.focus();
  };
  document.addEventListener('pointerdown', press, { signal });
  details?.addEventListener('keydown', type, { signal });
  return () => abort.abort();
}
