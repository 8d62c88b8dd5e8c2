import type { PresentUser } from '@tidewire/client';
import { usePresence } from '@tidewire/react';
import type { CSSProperties, ReactElement } from 'react';
import { useSession } from '../shared/session.tsx';

/** So many are shown; the others are counted. */
const MAX_SHOWN = 5;

/** Who else is on a page. */
export function PresentPeople({ path }: { readonly path: string }): ReactElement | null {
  const { caller } = useSession();
  const { users, state } = usePresence(path);
  const others = users.filter(({ id }) => id !== caller.id);
  const shown = others.slice(0, MAX_SHOWN);
  const more = others.length - shown.length;
  return (
    <div className="present" data-state={state} aria-live="polite">
      {others.length > 0 && (
        <ul aria-label={state === 'present' ? 'Also here' : 'Were here, when last heard'}>
          {shown.map((user) => (
            <Person key={user.id} user={user} />
          ))}
          {more > 0 && <li>and {more} more</li>}
        </ul>
      )}
      {state === 'unknown' && others.length > 0 && <span className="muted">when last heard</span>}
    </div>
  );
}

function Person({ user: { id, name } }: { readonly user: PresentUser }): ReactElement {
  return (
    <li>
      <span className="avatar" aria-hidden="true" style={{ '--hue': hueOf(id) } as CSSProperties}>
        {initialsOf(name)}
      </span>
      {name}
    </li>
  );
}

/** First letters of the first and the last word. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ''].map(firstLetter);
  return letters.join('').toLocaleUpperCase();
}

function firstLetter(word = ''): string {
  const code = word.codePointAt(0);
  return code === undefined ? '' : String.fromCodePoint(code);
}

/** The same colour for the same person, everywhere. */
function hueOf(id: string): number {
  let sum = 7;
  for (let place = 0; place < id.length; place += 1) sum = (sum * 31 + id.charCodeAt(place)) % 360;
  return sum;
}
