import { ClientError } from '@tidewire/client';
import type { PolicyPreview, PreviewAction } from '@tidewire/contract';
import { useState } from 'react';
import { callApi } from '../frame/api.ts';
import { useDeed } from '../frame/use-deed.ts';
import { formatRules, parseRules } from './policy-text.ts';
import type { ParsedRules, PolicyEntry, PolicyView } from './policy-text.ts';

export interface PolicyDraft {
  readonly text: string;
  readonly parsed: ParsedRules;
  /** Whether it says something else than what was read. */
  readonly isChanged: boolean;
  readonly busy: boolean;
  /** Why the last dry run, or the last attempt to save, failed. */
  readonly error: ClientError | undefined;
  /** The last dry run. `stale`: the rules were edited since. */
  readonly tried: { readonly preview: PolicyPreview; readonly stale: boolean } | undefined;
  readonly edit: (text: string) => void;
  readonly undo: () => void;
  readonly tryOut: (action: PreviewAction) => void;
  /** Calls back when it is saved, or was refused. */
  readonly save: (onSettled: () => void) => void;
}

/** Rules that somebody edits, and what the API says of them. `policy` is as it was read; undefined: there are none. */
export function usePolicyDraft(
  { target, id }: PolicyEntry,
  policy: PolicyView | undefined,
  onSaved: (policy: PolicyView) => void,
): PolicyDraft {
  const address = `/api/policies/${target}/${id}`;
  const original = formatRules(target, policy ?? {});
  const [text, setText] = useState(original);
  const [tried, setTried] = useState<{ readonly text: string; readonly preview: PolicyPreview }>();
  const { busy, error, run, forget } = useDeed();
  const parsed = parseRules(text);
  const edit = (next: string): void => {
    setText(next);
    forget();
  };
  const tryOut = (action: PreviewAction): void => {
    if (!parsed.ok) return;
    run(async (signal) => {
      const request = { method: 'PUT', body: parsed.value, signal } as const;
      const preview = await callApi<PolicyPreview>(`${address}?dryRun=true&action=${action}`, request);
      setTried({ text, preview });
    });
  };
  const save = (onSettled: () => void): void => {
    if (!parsed.ok) return;
    run(async (signal) => {
      try {
        await requireUnchanged(address, policy, signal);
        onSaved(await callApi<PolicyView>(address, { method: 'PUT', body: parsed.value, signal }));
      } finally {
        onSettled();
      }
    });
  };
  return {
    text,
    parsed,
    isChanged: text !== original,
    busy,
    error,
    tried: tried && { preview: tried.preview, stale: tried.text !== text },
    edit,
    undo: () => edit(original),
    tryOut,
    save,
  };
}

/** Nothing that somebody else has written meanwhile is overwritten unseen. */
async function requireUnchanged(
  address: string,
  policy: PolicyView | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (policy === undefined) return;
  const { version } = await callApi<PolicyView>(address, { signal });
  if (version === policy.version) return;
  throw new ClientError(
    'CONFLICT',
    `Somebody else saved version ${version} meanwhile. Nothing was written: load the page again to see it.`,
  );
}
