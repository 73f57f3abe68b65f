import { useEffect, useRef, useState } from 'preact/hooks';
import { client } from './session.js';

interface Props {
  chat: string;
  onFiles: (files: File[]) => void;
}

/** Texts that are not sent yet, by chat. */
const drafts = new Map<string, string>();

/** Its keyboard would cover the messages, and has no Shift that begins a line. */
export const isPhone = (): boolean => !matchMedia('(hover: hover)').matches;

/** The field for a new message: Enter sends, Shift and Enter begin a line. */
export function Composer({ chat, onFiles }: Props) {
  const [text, setText] = useState(drafts.get(chat) ?? '');
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (!isPhone()) area.current?.focus();
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
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && !isPhone()) send(event);
        }}
        onPaste={({ clipboardData }) => {
          if (clipboardData?.files.length) onFiles([...clipboardData.files]);
        }}
      />
      <button>Send</button>
    </form>
  );
}
