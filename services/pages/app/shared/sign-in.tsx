import { useState } from 'react';
import type { FormEvent, ReactElement } from 'react';
import { signIn } from './caller.ts';

interface SignInProps {
  readonly title: string;
  readonly onSignedIn: () => void;
}

/** Asks for name and password until the server takes them. */
export function SignIn({ title, onSignedIn }: SignInProps): ReactElement {
  const [refusal, setRefusal] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setBusy(true);
    setRefusal('');
    const text = (name: string): string => {
      const value = given.get(name);
      return typeof value === 'string' ? value : '';
    };
    signIn(text('username'), text('password')).then(onSignedIn, (error: Error) => {
      setBusy(false);
      setRefusal(error.message);
    });
  };
  return (
    <main className="gate">
      <form className="card" onSubmit={submit}>
        <img src="/icon.svg" alt="" width="40" height="40" />
        <h1>{title}</h1>
        <label className="field">
          Name
          <input name="username" autoComplete="username" autoCapitalize="none" required autoFocus />
        </label>
        <label className="field">
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <p className="refusal" role="alert">
          {refusal}
        </p>
        <button className="primary" disabled={busy}>
          Sign in
        </button>
      </form>
    </main>
  );
}
