import { useState } from 'react';
import type { ReactElement } from 'react';
import { navigate } from '../frame/location.tsx';
import { PrincipalField } from '../frame/principal-field.tsx';
import { addressOf } from './explain-query.ts';
import type { Question } from './explain-query.ts';

const NAMES = {
  event: { label: 'Event id', placeholder: 'evt-…', hint: 'Why does this event reach them, or not?' },
  topic: {
    label: 'Topic',
    placeholder: 'register/…/schema/…',
    hint: 'What would a stream of this topic tell them?',
  },
  table: {
    label: 'Table',
    placeholder: 'slug of the table',
    hint: 'What would a stream of this table tell them?',
  },
} as const;
const ABOUT = ['event', 'topic', 'table'] as const;

/** Asks by going to the question's own address. */
export function ExplainForm({ question }: { readonly question: Question }): ReactElement {
  const [draft, setDraft] = useState(question);
  const change = (part: Partial<Question>): void => setDraft((before) => ({ ...before, ...part }));
  const { about, name, principal, filter } = draft;
  const words = NAMES[about];
  return (
    <form
      className="question"
      onSubmit={(event) => {
        event.preventDefault();
        navigate(addressOf(draft));
      }}
    >
      <fieldset className="about">
        <legend>About</legend>
        {ABOUT.map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name="about"
              checked={about === choice}
              onChange={() => change({ about: choice, name: choice === question.about ? question.name : '' })}
            />
            {choice === 'event' ? 'one event' : `a ${choice}`}
          </label>
        ))}
      </fieldset>
      <PrincipalField
        label="Who"
        value={principal}
        onChange={(value) => change({ principal: value })}
        placeholder={about === 'event' ? 'everybody' : 'you'}
      />
      <label className="field grow">
        {words.label}
        <input
          value={name}
          placeholder={words.placeholder}
          required
          maxLength={300}
          spellCheck={false}
          autoCapitalize="none"
          onChange={(event) => change({ name: event.target.value })}
        />
      </label>
      {about !== 'event' && (
        <label className="field grow">
          Filter
          <textarea
            rows={2}
            value={filter}
            placeholder={about === 'topic' ? 'status:eq:new, one condition a line' : 'status:eq:new, or JSON'}
            maxLength={4096}
            spellCheck={false}
            onChange={(event) => change({ filter: event.target.value })}
          />
        </label>
      )}
      <p className="actions">
        <button className="primary">Explain</button>
        <span className="hint">{words.hint}</span>
      </p>
    </form>
  );
}
