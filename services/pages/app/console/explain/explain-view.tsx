import type { Explanation } from '@tidewire/contract';
import type { ReactElement } from 'react';
import { usePlace } from '../frame/location.tsx';
import { Empty, Refusal } from '../frame/notice.tsx';
import { useAnswer } from '../frame/use-answer.ts';
import { EventAnswer } from './event-answer.tsx';
import { Everybody } from './everybody.tsx';
import { ExplainForm } from './explain-form.tsx';
import { addressOf, parseQuestion, requestOf } from './explain-query.ts';
import type { Question } from './explain-query.ts';
import { SubscriptionAnswer } from './subscription-answer.tsx';

/** Why somebody sees something, or does not. */
export function ExplainView(): ReactElement {
  const { query } = usePlace();
  const question = parseQuestion(query);
  const isAsked = question.name !== '';
  const ofEverybody = question.about === 'event' && question.principal === '';
  return (
    <section aria-labelledby="view-title">
      <h1 id="view-title">Explain</h1>
      <ExplainForm key={addressOf(question)} question={question} />
      {isAsked && ofEverybody && <Everybody event={question.name} />}
      {isAsked && !ofEverybody && <Answer question={question} />}
      {!isAsked && (
        <Empty>
          Ask why an event reaches somebody or does not, or what a stream would tell them. Judged by the code
          of the streams, under the rights of now.
        </Empty>
      )}
    </section>
  );
}

function Answer({ question }: { readonly question: Question }): ReactElement {
  const { answer, error } = useAnswer<Explanation>(requestOf(question));
  if (error !== undefined) return <Refusal error={error} />;
  if (answer === undefined) return <Empty>Asking.</Empty>;
  return answer.kind === 'event' ? (
    <EventAnswer explanation={answer} />
  ) : (
    <SubscriptionAnswer explanation={answer} />
  );
}
