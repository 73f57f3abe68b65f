import type { ChatState, Message, OutgoingMessage } from '@parley/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Attachment } from './attachment.js';
import { dateOf } from './dates.js';
import { useAction } from './hooks.js';
import { Problem, textsOf } from './parts.js';
import { client } from './session.js';

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

const isToday = (date: Date) => date.toDateString() === new Date().toDateString();

export function MessageItem({ chat, message }: { chat: ChatState; message: Message }) {
  const { sender, index, timestamp, edited, type } = message;
  const own = client.session?.user.username;
  const isOwn = sender.username === own;
  const [isEditing, setIsEditing] = useState(false);
  const { run, isBusy, error } = useAction();
  const item = useRef<HTMLLIElement>(null);
  const params = { path: { chat: chat.uuid, message: index } };

  const remove = () => {
    if (!confirm('Delete this message for everybody?')) return;
    void run(() => client.api.DELETE('/api/chats/{chat}/messages/{message}', { params }));
  };
  const save = async (text: string) => {
    const body = { message: text };
    const path = '/api/chats/{chat}/messages/{message}';
    if (await run(() => client.api.PUT(path, { params, body }))) endEditing();
  };
  const endEditing = () => {
    item.current?.focus();
    setIsEditing(false);
  };

  const date = dateOf(timestamp);
  return (
    <li ref={item} tabIndex={-1} class={isOwn ? 'message own' : 'message'}>
      <div class="by">
        <b dir="auto">{sender.name}</b>
        <time dateTime={date.toISOString()} title={DAY.format(date)}>
          {isToday(date) ? TIME.format(date) : DAY.format(date)}
        </time>
        {edited !== null && <span>(edited)</span>}
        {!isEditing && (isOwn || chat.owner === own) && (
          <span class="actions">
            {isOwn && type !== 'file' && (
              <button type="button" class="quiet" onClick={() => setIsEditing(true)}>
                Edit
              </button>
            )}
            <button type="button" class="quiet" disabled={isBusy} onClick={remove}>
              Delete
            </button>
          </span>
        )}
      </div>
      <Attachment message={message} />
      {isEditing ? (
        <Editor
          text={message.message}
          isRequired={type === 'message'}
          isBusy={isBusy}
          onSave={(text) => void save(text)}
          onCancel={endEditing}
        />
      ) : (
        message.message && (
          <p class="text" dir="auto">
            {message.message}
          </p>
        )
      )}
      <Problem error={error} />
    </li>
  );
}

interface EditorProps {
  text: string;
  isRequired: boolean;
  isBusy: boolean;
  onSave: (text: string) => void;
  onCancel: () => void;
}

function Editor({ text, isRequired, isBusy, onSave, onCancel }: EditorProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  return (
    <form
      class="editor"
      onSubmit={(event) => onSave(textsOf(event)('text'))}
      onKeyDown={({ key }) => key === 'Escape' && onCancel()}
    >
      <textarea ref={area} name="text" aria-label="New text" required={isRequired} dir="auto" rows={3}>
        {text}
      </textarea>
      <p class="buttons">
        <button disabled={isBusy}>Save</button>
        <button type="button" class="quiet" onClick={onCancel}>
          Cancel
        </button>
      </p>
    </form>
  );
}

/** A message that is on its way, or has failed. */
export function OutgoingItem({ message: { key, message, state, error } }: { message: OutgoingMessage }) {
  return (
    <li class="message own outgoing">
      <p class="by">{state === 'pending' ? 'Sending…' : 'Not sent'}</p>
      <p class="text" dir="auto">
        {message}
      </p>
      {state === 'failed' && (
        <>
          <Problem error={error} />
          <p class="buttons">
            <button type="button" onClick={() => client.retry(key)}>
              Try again
            </button>
            <button type="button" class="quiet" onClick={() => client.discard(key)}>
              Discard
            </button>
          </p>
        </>
      )}
    </li>
  );
}
