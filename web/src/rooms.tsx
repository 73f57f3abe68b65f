import type { components } from '@parley/client';
import { useEffect, useState } from 'preact/hooks';
import { useAction } from './hooks.js';
import { Dialog, Field, Problem, textsOf } from './parts.js';
import { client } from './session.js';

type Room = components['schemas']['PublicRoom'];

const PAGE_SIZE = 50;

interface Props {
  onClose: () => void;
  onJoined: (chat: string) => void;
}

/** Public rooms to join, a form for private ones, and one to create rooms. */
export function Rooms({ onClose, onJoined }: Props) {
  const [rooms, setRooms] = useState<Room[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const list = useAction();
  const joining = useAction();
  const creating = useAction();

  const load = (after?: string) =>
    list.run(async () => {
      const query = { limit: PAGE_SIZE, ...(after && { after }) };
      const { data } = await client.api.GET('/api/rooms', { params: { query } });
      setRooms((known) => [...known, ...data.rooms]);
      setNext(data.next ?? null);
    });
  useEffect(() => void load(), []);

  const join = (name: string, password: string) =>
    joining.run(async () => {
      const body = { name, ...(password && { password }) };
      const { data } = await client.api.POST('/api/join_room', { body });
      onJoined(data.chat);
    });

  const submitJoin = (event: Event) => {
    const text = textsOf(event);
    void join(text('name'), text('password'));
  };

  const create = (event: Event) => {
    const text = textsOf(event);
    const password = text('password');
    const body = { room_name: text('room_name'), ...(password && { is_private: 1 as const, password }) };
    void creating.run(async () => {
      const { data } = await client.api.POST('/api/create_room', { body });
      onJoined(data.chat);
    });
  };

  return (
    <Dialog title="Rooms" onClose={onClose}>
      <ul class="choices">
        {rooms.map(({ room_id: id, name, joined }) => (
          <li key={id}>
            <button type="button" onClick={() => void join(name, '')}>
              <b dir="auto">{name}</b> <span class="hint">{joined ? 'Open' : 'Join'}</span>
            </button>
          </li>
        ))}
      </ul>
      {!list.isBusy && rooms.length === 0 && <p class="hint">No public rooms yet.</p>}
      {next && (
        <button type="button" class="quiet" onClick={() => void load(next)}>
          More rooms
        </button>
      )}
      <Problem error={list.error} />
      <form onSubmit={submitJoin}>
        <h3>Join a room by its name</h3>
        <Field label="Name" name="name" autocomplete="off" error={joining.error} />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="off"
          required={false}
          hint="If the room is private."
        />
        <Problem error={joining.error} />
        <button disabled={joining.isBusy}>Join</button>
      </form>
      <form onSubmit={create}>
        <h3>Create a room</h3>
        <Field label="Name" name="room_name" autocomplete="off" maxLength={64} error={creating.error} />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="new-password"
          required={false}
          hint="Makes the room private."
        />
        <Problem error={creating.error} />
        <button disabled={creating.isBusy}>Create</button>
      </form>
    </Dialog>
  );
}
