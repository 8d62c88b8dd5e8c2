import { useEffect, useId, useRef } from 'react';
import type { ReactElement, ReactNode } from 'react';

interface ConfirmDialogProps {
  readonly title: string;
  /** On the button that does it. */
  readonly action: string;
  readonly busy?: boolean;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
  readonly children: ReactNode;
}

/** Asks before what cannot be taken back. The browser keeps the focus inside, and gives it back afterwards. */
export function ConfirmDialog(props: ConfirmDialogProps): ReactElement {
  const { title, action, busy = false, onConfirm, onCancel, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const cancelButton = useRef<HTMLButtonElement>(null);
  const titleId = useId();
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    // Whoever presses Enter too early has done nothing.
    cancelButton.current?.focus();
    return () => current?.close();
  }, []);
  const cancel = (event: { preventDefault(): void }): void => {
    event.preventDefault();
    onCancel();
  };
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onCancel={cancel}>
      <h2 id={titleId}>{title}</h2>
      {children}
      <p className="actions">
        <button type="button" className="danger" disabled={busy} onClick={onConfirm}>
          {action}
        </button>
        <button ref={cancelButton} type="button" onClick={onCancel}>
          Cancel
        </button>
      </p>
    </dialog>
  );
}
