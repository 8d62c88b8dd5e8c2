import type { ClientError } from '@tidewire/client';
import type { ReactElement } from 'react';
import { placeOf } from './json-place.ts';

interface FaultsProps {
  readonly error: ClientError;
  readonly text: string;
  readonly onShow: (pointer: string) => void;
}

/** What the API refused of the rules, each with the way to where it stands. */
export function Faults({ error, text, onShow }: FaultsProps): ReactElement {
  return (
    <div className="notice bad" role="alert">
      <p>
        {error.message} <code>{error.code}</code>
      </p>
      <ul className="plain">
        {error.errors.map(({ field, message }) => {
          const place = placeOf(text, field);
          return (
            <li key={`${field} ${message}`}>
              <button
                type="button"
                className="link"
                onClick={() => onShow(field)}
                disabled={place === undefined}
              >
                {place === undefined ? '' : `line ${place.line} `}
                <code>{field === '' ? 'all of it' : field}</code>
              </button>{' '}
              {message}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
