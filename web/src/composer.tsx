import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { client } from './session.js';

interface Props {
  chat: string;
  onFiles: (files: Iterable<File>) => void;
}

/** Texts that are not sent yet, by chat. */
const drafts = new Map<string, string>();

/** The field for a new message: Enter sends, Shift and Enter begin a line. */
export function Composer({ chat, onFiles }: Props) {
  const [text, setText] = useState(drafts.get(chat) ?? '');
  const area = useRef<HTMLTextAreaElement>(null);
  const fileId = useId();
  useEffect(() => {
    // On a phone the keyboard would cover the messages.
    if (matchMedia('(hover: hover)').matches) area.current?.focus();
  }, []);

  const change = (changed: string) => {
    drafts.set(chat, changed);
    setText(changed);
  };
  const send = (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    // The store shows what becomes of the message.
    client.send(chat, text).sent.catch(() => {});
    change('');
    area.current?.focus();
  };
  return (
    <form class="composer" onSubmit={send}>
      <input
        id={fileId}
        class="hidden"
        type="file"
        multiple
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
      <label for={fileId} class="button">
        Attach
      </label>
      <textarea
        ref={area}
        aria-label="Message"
        placeholder="Message"
        dir="auto"
        rows={1}
        value={text}
        onInput={({ currentTarget }) => {
          change(currentTarget.value);
          client.typing(chat);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
        }}
        onPaste={({ clipboardData }) => {
          if (clipboardData?.files.length) onFiles([...clipboardData.files]);
        }}
      />
      <button>Send</button>
    </form>
  );
}
