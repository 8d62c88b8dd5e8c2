import { useEffect, useId, useRef, useState } from 'react';
import type { FocusEvent, KeyboardEvent, ReactElement } from 'react';
import type { Column } from './column.ts';

interface CellEditorProps {
  readonly column: Column;
  readonly draft: string;
  /** Why what was typed cannot be saved. */
  readonly fault: string | undefined;
  /** Values that other rows have. */
  readonly suggestions: readonly string[];
  readonly onSave: (draft: string, how: 'key' | 'elsewhere') => void;
  readonly onCancel: () => void;
}

/** The field that somebody writes in: Enter saves, Escape does not, and neither does looking at another window. */
export function CellEditor(props: CellEditorProps): ReactElement {
  const { column, draft: first, fault, suggestions, onSave, onCancel } = props;
  const [draft, setDraft] = useState(first);
  const field = useRef<HTMLInputElement & HTMLSelectElement>(null);
  const faultId = useId();
  const listId = useId();
  useEffect(() => {
    field.current?.focus();
    if (field.current instanceof HTMLInputElement) field.current.select();
  }, []);
  const shared = {
    'ref': field,
    'value': draft,
    'aria-label': column.label,
    'aria-invalid': fault === undefined ? undefined : (true as const),
    'aria-describedby': fault === undefined ? undefined : faultId,
    'onChange': (event: { readonly target: { readonly value: string } }): void =>
      setDraft(event.target.value),
    'onKeyDown': (event: KeyboardEvent): void => {
      // Arrows and the like are for the text here, and Enter of an input method is not ours.
      event.stopPropagation();
      if (event.nativeEvent.isComposing) return;
      if (event.key === 'Enter') {
        event.preventDefault();
        onSave(draft, 'key');
      } else if (event.key === 'Escape') {
        event.preventDefault();
        onCancel();
      }
    },
    'onBlur': (event: FocusEvent): void => {
      const goesTo = event.relatedTarget;
      if (!document.hasFocus() || (goesTo instanceof Element && goesTo.closest('.toasts') !== null)) return;
      onSave(draft, 'elsewhere');
    },
  };
  return (
    <span className="editor">
      {column.kind === 'boolean' ? (
        <select {...shared}>
          <option value="">–</option>
          <option value="true">Yes</option>
          <option value="false">No</option>
        </select>
      ) : (
        <input
          {...shared}
          list={suggestions.length > 0 ? listId : undefined}
          type={column.kind === 'date' ? 'date' : 'text'}
          inputMode={column.kind === 'number' ? 'decimal' : undefined}
          autoComplete="off"
          spellCheck={column.kind === 'text'}
        />
      )}
      {suggestions.length > 0 && (
        <datalist id={listId}>
          {suggestions.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      )}
      {fault !== undefined && (
        <span className="fault" id={faultId} role="alert">
          {fault}
        </span>
      )}
    </span>
  );
}
