import { ParleyError } from '@parley/client';
import type { ComponentChildren, InputHTMLAttributes } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

/** Tells what has failed, and tells it to screen readers at once. */
export function Problem({ error }: { error: Error | undefined }) {
  return (
    <p role="alert" class="problem">
      {error && sentenceOf(error)}
    </p>
  );
}

function sentenceOf(error: Error): string {
  if (error instanceof ParleyError && error.status === 0) return 'The server cannot be reached.';
  const { message } = error;
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}

interface FieldProps {
  label: string;
  name: string;
  type?: 'text' | 'email' | 'password';
  autocomplete?: string;
  required?: boolean;
  maxLength?: number;
  hint?: string;
  error?: Error | undefined;
}

/** An input with its label; marked as wrong if the server says so. */
export function Field({ label, hint, error, ...input }: FieldProps) {
  const id = useId();
  const attributes = {
    required: true,
    'aria-invalid': error instanceof ParleyError && error.field === input.name,
    'aria-describedby': hint && `${id}-hint`,
    ...input,
  } as InputHTMLAttributes;
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input id={id} {...attributes} />
      {hint && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </p>
  );
}

/** Returns the texts of a form by the names of its fields. */
export function textsOf(event: Event): (name: string) => string {
  event.preventDefault();
  const form = new FormData(event.currentTarget as HTMLFormElement);
  return (name) => (form.get(name) as string | null) ?? '';
}

/** A modal dialog, which Escape closes. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={() => dialog.current?.close()}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
