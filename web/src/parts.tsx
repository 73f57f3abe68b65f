import { ParleyError } from '@parley/client';
import { type ComponentChildren, createContext, type InputHTMLAttributes } from 'preact';
import { useContext, useState } from 'preact/hooks';

/** Runs work, and keeps why the last work failed. */
export function useAction() {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const run = async (work: () => Promise<unknown>) => {
    setIsBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (thrown) {
      setError(thrown as Error);
    } finally {
      setIsBusy(false);
    }
  };
  return { run, isBusy, error };
}

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

/** Returns the text of the field of a name. */
export type ReadField = (name: string) => string;

interface FormProps {
  submitLabel: string;
  onSubmit: (text: ReadField) => Promise<unknown>;
  children: ComponentChildren;
}

const FormError = createContext<Error | undefined>(undefined);

/** A form that says why the server has refused what it submitted. */
export function Form({ submitLabel, onSubmit, children }: FormProps) {
  const { run, isBusy, error } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    void run(() => onSubmit((name) => (data.get(name) as string | null) ?? ''));
  };
  return (
    <form onSubmit={submit}>
      <FormError.Provider value={error}>{children}</FormError.Provider>
      <Problem error={error} />
      <button disabled={isBusy}>{submitLabel}</button>
    </form>
  );
}

/** An input of a form, marked as wrong if the server says so. */
export function Field({ label, ...input }: InputHTMLAttributes & { label: string; name: string }) {
  const error = useContext(FormError);
  const isWrong = error instanceof ParleyError && error.field === input.name;
  return (
    <label>
      {label}
      <input required autocomplete="off" aria-invalid={isWrong} {...input} />
    </label>
  );
}

const showModal = (dialog: HTMLDialogElement | null) => dialog?.showModal();

/** A button that opens a dialog, which Escape closes. Its contents get a function that closes it. */
export function DialogButton({
  label,
  children,
}: {
  label: string;
  children: (close: () => void) => ComponentChildren;
}) {
  const [isOpen, setIsOpen] = useState(false);
  const close = () => setIsOpen(false);
  return (
    <>
      <button onClick={() => setIsOpen(true)}>{label}</button>
      {isOpen && (
        <dialog ref={showModal} aria-label={label} onClose={close}>
          <header>
            <h2>{label}</h2>
            <button
              aria-label="Close"
              onClick={({ currentTarget }) => currentTarget.closest('dialog')?.close()}
            >
              ✕
            </button>
          </header>
          {children(close)}
        </dialog>
      )}
    </>
  );
}
