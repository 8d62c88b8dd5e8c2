import { createClient } from '@tidewire/client';
import type { AnyTables, Client } from '@tidewire/client';
import { TidewireProvider } from '@tidewire/react';
import { createContext, useContext, useEffect, useMemo, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';
import { fetchCaller, signOut } from './caller.ts';
import type { Caller } from './caller.ts';
import { SignIn } from './sign-in.tsx';

export interface Session {
  readonly caller: Caller;
  /** Ends the session here and on the server, and asks who is next. */
  readonly signOut: () => void;
}

const SessionContext = createContext<Session | null>(null);

/** Who is signed in. @throws Error outside of a {@link SessionProvider}. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('There is no <SessionProvider> around this component');
  return session;
}

interface SessionProviderProps {
  /** What the app is called where somebody has to sign in first. */
  readonly title: string;
  readonly children: ReactNode;
}

type Who =
  | { readonly state: 'asking' }
  | { readonly state: 'nobody' }
  | { readonly state: 'away'; readonly message: string }
  | { readonly state: 'somebody'; readonly caller: Caller };

/** What is below it is shown to somebody who is signed in, with a client of that one. Asks to sign in where nobody is. */
export function SessionProvider({ title, children }: SessionProviderProps): ReactElement {
  const [who, setWho] = useState<Who>({ state: 'asking' });
  useEffect(() => {
    if (who.state !== 'asking') return;
    const asked = new AbortController();
    fetchCaller(asked.signal).then(
      (caller) => setWho(caller === null ? { state: 'nobody' } : { state: 'somebody', caller }),
      (error: unknown) => {
        if (!asked.signal.aborted) setWho({ state: 'away', message: (error as Error).message });
      },
    );
    return () => asked.abort();
  }, [who.state]);
  const askAgain = (): void => setWho({ state: 'asking' });

  if (who.state === 'asking') return <p className="wait" role="status" aria-label="Loading" />;
  if (who.state === 'nobody') return <SignIn title={title} onSignedIn={askAgain} />;
  if (who.state === 'away')
    return (
      <main className="gate">
        <div className="card">
          <h1>{title}</h1>
          <p role="alert">{who.message}</p>
          <button type="button" className="primary" onClick={askAgain}>
            Try again
          </button>
        </div>
      </main>
    );
  return (
    <SignedIn key={who.caller.id} caller={who.caller} onSignedOut={askAgain}>
      {children}
    </SignedIn>
  );
}

interface SignedInProps {
  readonly caller: Caller;
  readonly onSignedOut: () => void;
  readonly children: ReactNode;
}

/** One client stands for one person: who comes next gets another, and nothing of what this one saw. */
function SignedIn({ caller, onSignedOut, children }: SignedInProps): ReactElement | null {
  const client = useOwnClient();
  const session = useMemo(
    (): Session => ({
      caller,
      signOut: () => {
        client?.close();
        // Whether it has ended, the server is asked next: where it could not be told, somebody still is signed in.
        void signOut()
          .catch(() => undefined)
          .finally(onSignedOut);
      },
    }),
    [caller, client, onSignedOut],
  );
  if (client === null) return null;
  return (
    <SessionContext.Provider value={session}>
      <TidewireProvider client={client}>{children}</TidewireProvider>
    </SessionContext.Provider>
  );
}

/** Made when mounted, closed when not any more: nothing of it outlives the one whom it stands for. */
function useOwnClient(): Client<AnyTables> | null {
  const [client, setClient] = useState<Client<AnyTables> | null>(null);
  useEffect(() => {
    const made = createClient({ url: location.origin });
    setClient(made);
    return () => made.close();
  }, []);
  return client;
}
