import { useCallback, useState } from 'react';

/** Something that the reader has to know, until they put it away. */
export interface Message {
  readonly id: number;
  readonly text: string;
}

/** More at once nobody reads: the oldest goes. */
const MAX_MESSAGES = 3;

interface Messages {
  readonly messages: readonly Message[];
  readonly say: (text: string) => void;
  readonly dismiss: (id: number) => void;
}

export function useMessages(): Messages {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const say = useCallback((text: string) => {
    setMessages((known) => [...known, { id: (known.at(-1)?.id ?? 0) + 1, text }].slice(-MAX_MESSAGES));
  }, []);
  const dismiss = useCallback((id: number) => {
    setMessages((known) => known.filter((one) => one.id !== id));
  }, []);
  return { messages, say, dismiss };
}
