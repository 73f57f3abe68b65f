import type { ChatState, Message, OutgoingMessage } from '@parley/client';
import { useRef, useState } from 'preact/hooks';
import { Attachment } from './attachment.js';
import { Form, Problem, useAction } from './parts.js';
import { client, getUser } from './session.js';

const NANOSECONDS_PER_MS = 1_000_000;

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

const PATH = '/api/chats/{chat}/messages/{message}';

const focusElement = (element: HTMLElement | null) => element?.focus();

export function MessageItem({ chat, message }: { chat: ChatState; message: Message }) {
  const { sender, index, timestamp, edited, type, message: text } = message;
  const own = getUser().username;
  const isOwn = sender.username === own;
  const [isEditing, setIsEditing] = useState(false);
  const { run, error } = useAction();
  const item = useRef<HTMLLIElement>(null);
  const params = { path: { chat: chat.uuid, message: index } };

  const endEditing = () => {
    const { activeElement } = document;
    const hasFocus = activeElement === document.body || item.current?.contains(activeElement);
    if (hasFocus) item.current?.focus();
    setIsEditing(false);
  };
  const save = async (changed: string) => {
    await client.api.PUT(PATH, { params, body: { message: changed } });
    endEditing();
  };
  const remove = () => {
    if (!confirm('Delete this message for everybody?')) return;
    // The button, which has the focus, goes with the message.
    item.current?.closest<HTMLElement>('[role="log"]')?.focus();
    void run(() => client.api.DELETE(PATH, { params }));
  };

  const date = new Date(timestamp / NANOSECONDS_PER_MS);
  const isToday = date.toDateString() === new Date().toDateString();
  return (
    <li ref={item} tabIndex={-1} class={isOwn ? 'message own' : 'message'}>
      <div class="by">
        <b dir="auto">{sender.name}</b>
        <time dateTime={date.toISOString()} title={DAY_AND_TIME.format(date)}>
          {(isToday ? TIME : DAY_AND_TIME).format(date)}
        </time>
        {edited !== null && <span>(edited)</span>}
        {!isEditing && (isOwn || chat.owner === own) && (
          <span class="actions">
            {isOwn && type !== 'file' && <button onClick={() => setIsEditing(true)}>Edit</button>}
            <button onClick={remove}>Delete</button>
          </span>
        )}
      </div>
      <Attachment message={message} />
      {isEditing ? (
        <Form submitLabel="Save" onSubmit={(texts) => save(texts('text'))}>
          <textarea
            ref={focusElement}
            name="text"
            aria-label="New text"
            required={type === 'message'}
            dir="auto"
            rows={3}
            onKeyDown={({ key }) => key === 'Escape' && endEditing()}
          >
            {text}
          </textarea>
          <button type="button" onClick={endEditing}>
            Cancel
          </button>
        </Form>
      ) : (
        <Text text={text} />
      )}
      <Problem error={error} />
    </li>
  );
}

/** A message that is on its way, or has failed. */
export function OutgoingItem({ message: { key, message, state, error } }: { message: OutgoingMessage }) {
  return (
    <li class="message own outgoing">
      <p class="by">{state === 'pending' ? 'Sending…' : 'Not sent'}</p>
      <Text text={message} />
      {state === 'failed' && (
        <>
          <Problem error={error} />
          <p class="buttons">
            <button onClick={() => client.retry(key)}>Try again</button>
            <button onClick={() => client.discard(key)}>Discard</button>
          </p>
        </>
      )}
    </li>
  );
}

function Text({ text }: { text: string }) {
  return (
    <p class="text" dir="auto">
      {text}
    </p>
  );
}
