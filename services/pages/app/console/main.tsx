import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { SessionProvider } from '../shared/session.tsx';
import { Console } from './console.tsx';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no place for the app');
createRoot(root).render(
  <StrictMode>
    <SessionProvider title="Tidewire console">
      <Console />
    </SessionProvider>
  </StrictMode>,
);
