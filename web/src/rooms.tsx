import type { components } from '@parley/client';
import { useEffect, useState } from 'preact/hooks';
import { Field, Form, Problem, type ReadField, useAction } from './parts.js';
import { client } from './session.js';

type Room = components['schemas']['PublicRoom'];

/** Public rooms to join, a form for private ones, and one to create rooms. */
export function Rooms({ onJoined }: { onJoined: (chat: string) => Promise<void> }) {
  const [rooms, setRooms] = useState<Room[]>();
  const { run, error } = useAction();
  useEffect(() => void run(async () => setRooms((await client.api.GET('/api/rooms')).data.rooms)), []);

  const join = async (name: string, password: string) => {
    const { data } = await client.api.POST('/api/join_room', { body: { name, password } });
    await onJoined(data.chat);
  };
  const create = async (text: ReadField) => {
    const password = text('password');
    const body = {
      room_name: text('room_name'),
      password,
      is_private: password ? (1 as const) : (0 as const),
    };
    const { data } = await client.api.POST('/api/create_room', { body });
    await onJoined(data.chat);
  };
  return (
    <>
      <ul class="choices">
        {rooms?.map(({ room_id: id, name, joined }) => (
          <li key={id}>
            <button onClick={() => void run(() => join(name, ''))}>
              <b dir="auto">{name}</b> <span class="hint">{joined ? 'Open' : 'Join'}</span>
            </button>
          </li>
        ))}
      </ul>
      {rooms?.length === 0 && <p class="hint">No public rooms yet.</p>}
      <Problem error={error} />
      <h3>Join a room by its name</h3>
      <Form submitLabel="Join" onSubmit={(text) => join(text('name'), text('password'))}>
        <Field label="Name" name="name" />
        <Field label="Password, if the room is private" name="password" type="password" required={false} />
      </Form>
      <h3>Create a room</h3>
      <Form submitLabel="Create" onSubmit={create}>
        <Field label="Name" name="room_name" maxLength={64} />
        <Field
          label="Password, which makes the room private"
          name="password"
          type="password"
          autocomplete="new-password"
          required={false}
        />
      </Form>
    </>
  );
}
