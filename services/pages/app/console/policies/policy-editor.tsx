import type { PreviewAction } from '@tidewire/contract';
import { useEffect, useId, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import { ConfirmDialog } from '../frame/confirm-dialog.tsx';
import { Caution, Refusal } from '../frame/notice.tsx';
import { placeOf } from './json-place.ts';
import type { TextPlace } from './json-place.ts';
import { Faults } from './policy-faults.tsx';
import { Preview, describePreview } from './policy-preview.tsx';
import type { PolicyEntry, PolicyView } from './policy-text.ts';
import { usePolicyDraft } from './use-policy-draft.ts';
import type { PolicyDraft } from './use-policy-draft.ts';

const ACTIONS: readonly PreviewAction[] = ['read', 'list', 'update', 'delete'];

interface PolicyEditorProps {
  readonly entry: PolicyEntry;
  /** As it was read; undefined: there are no rules. */
  readonly policy: PolicyView | undefined;
  /** A pointer to the rule that is to be looked at first. */
  readonly at: string | null;
  readonly saved: boolean;
  readonly onSaved: (policy: PolicyView) => void;
}

/** Rules as JSON: tried without being written, and saved when somebody has said so twice. */
export function PolicyEditor({ entry, policy, at, saved, onSaved }: PolicyEditorProps): ReactElement {
  const draft = usePolicyDraft(entry, policy, onSaved);
  const [action, setAction] = useState<PreviewAction>('read');
  const [asking, setAsking] = useState(false);
  const { busy, parsed, isChanged, tried } = draft;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        draft.tryOut(action);
      }}
    >
      <RulesText draft={draft} at={at} />
      <p className="actions">
        <label className="inline">
          Try it for{' '}
          <select value={action} onChange={(event) => setAction(event.target.value as PreviewAction)}>
            {ACTIONS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <button disabled={busy || !parsed.ok}>Dry run</button>
        <button type="button" disabled={busy || !parsed.ok || !isChanged} onClick={() => setAsking(true)}>
          Save…
        </button>
        <button type="button" className="quiet" disabled={!isChanged} onClick={draft.undo}>
          Undo all
        </button>
      </p>
      <p role="status" className="said">
        {busy ? 'Asking.' : ''}
        {saved && !isChanged ? 'Saved. It governs every write from now on.' : ''}
      </p>
      {tried !== undefined && <Preview {...tried} />}
      {asking && <SaveDialog title={entry.title} draft={draft} onClose={() => setAsking(false)} />}
    </form>
  );
}

/** The rules as a text, with what is wrong with them. */
function RulesText({ draft, at }: { readonly draft: PolicyDraft; readonly at: string | null }): ReactElement {
  const { text, parsed, error } = draft;
  const area = useRef<HTMLTextAreaElement>(null);
  const areaId = useId();
  const faultsId = useId();
  const show = (pointer: string): void => {
    const place = placeOf(area.current?.value ?? '', pointer);
    if (place !== undefined && area.current !== null) select(area.current, place);
  };
  useEffect(() => {
    if (at !== null) show(at);
    // Once: afterwards somebody edits.
  }, []);
  return (
    <>
      <div className="field">
        <label htmlFor={areaId}>Rules</label>
        <textarea
          id={areaId}
          ref={area}
          className="code"
          rows={Math.min(28, Math.max(10, text.split('\n').length + 1))}
          value={text}
          spellCheck={false}
          autoCapitalize="none"
          aria-invalid={!parsed.ok || (error?.errors.length ?? 0) > 0}
          aria-describedby={faultsId}
          onChange={(event) => draft.edit(event.target.value)}
        />
      </div>
      <div id={faultsId}>
        {!parsed.ok && <p className="notice bad">This is no JSON: {parsed.fault}</p>}
        {error !== undefined && error.errors.length > 0 && <Faults error={error} text={text} onShow={show} />}
        {error !== undefined && error.errors.length === 0 && <Refusal error={error} />}
      </div>
    </>
  );
}

/** Selects a stretch and brings its line to where it can be seen. */
function select(area: HTMLTextAreaElement, { start, end, line }: TextPlace): void {
  area.focus();
  area.setSelectionRange(start, end);
  const lineHeight = area.scrollHeight / Math.max(1, area.value.split('\n').length);
  area.scrollTop = Math.max(0, (line - 3) * lineHeight);
}

interface SaveDialogProps {
  readonly title: string;
  readonly draft: PolicyDraft;
  readonly onClose: () => void;
}

/** Asks before rules are written, with what is known of what they change. */
function SaveDialog({ title, draft, onClose }: SaveDialogProps): ReactElement {
  const { tried, busy } = draft;
  const preview = tried?.stale === false ? tried.preview : undefined;
  return (
    <ConfirmDialog
      title={`Save the rules of ${title}?`}
      action="Save"
      busy={busy}
      onConfirm={() => draft.save(onClose)}
      onCancel={onClose}
    >
      <p>
        {preview === undefined
          ? 'These rules were not tried: nobody knows what they change.'
          : describePreview(preview)}
      </p>
      {preview?.truncated === true && <Caution>Not everybody was looked at.</Caution>}
      <p>
        They replace all rules that are there, govern every write that begins from then on, and open streams
        are told.
      </p>
    </ConfirmDialog>
  );
}
