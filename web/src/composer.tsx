import { useEffect, useRef, useState } from 'preact/hooks';
import { usesTouch } from './device.js';
import { client } from './session.js';

interface Props {
  chat: string;
  onFiles: (files: File[]) => void;
}

/** Texts that are not sent yet, by chat. */
const drafts = new Map<string, string>();

/** The field for a new message: Enter sends, Shift and Enter begin a line. On touch, Enter begins a line. */
export function Composer({ chat, onFiles }: Props) {
  const [text, setText] = useState(drafts.get(chat) ?? '');
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (!usesTouch()) area.current?.focus();
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
      <label class="button">
        Attach
        <input
          class="hidden"
          type="file"
          multiple
          onChange={({ currentTarget }) => {
            onFiles([...(currentTarget.files ?? [])]);
            currentTarget.value = '';
          }}
        />
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
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && !usesTouch()) send(event);
        }}
        onPaste={({ clipboardData }) => {
          // Cells of a spreadsheet are copied as a text and a picture of it.
          const isText = clipboardData?.types.includes('text/plain');
          if (clipboardData && !isText) onFiles([...clipboardData.files]);
        }}
      />
      <button>Send</button>
    </form>
  );
}
