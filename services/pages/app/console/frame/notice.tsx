import type { ClientError } from '@tidewire/client';
import type { ReactElement, ReactNode } from 'react';

/** What the API refused, in its words. */
export function Refusal({ error }: { readonly error: ClientError }): ReactElement {
  return (
    <div className="notice bad" role="alert">
      <p>
        {error.message} <code>{error.code}</code>
      </p>
      {error.status === 401 && (
        <p className="actions">
          <button type="button" onClick={() => location.reload()}>
            Sign in again
          </button>
        </p>
      )}
      {error.errors.length > 0 && (
        <ul>
          {error.errors.map(({ field, message }) => (
            <li key={`${field} ${message}`}>
              <code>{field === '' ? 'all of it' : field}</code> {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Something to be known before what follows is believed. */
export function Caution({ children }: { readonly children: ReactNode }): ReactElement {
  return <p className="notice caution">{children}</p>;
}

/** In place of a list that has nothing. */
export function Empty({ children }: { readonly children: ReactNode }): ReactElement {
  return <p className="empty">{children}</p>;
}
