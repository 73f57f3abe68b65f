import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './api.js';

type ErrorCode = components['schemas']['ErrorCode'];

/** A whole story, told by a client whose types are generated from the document. Returns what it saw. */
export async function tellStory(baseUrl: string, password: string) {
  const parley = createClient<paths>({ baseUrl });
  for (const [username, name] of [
    ['alex', 'Alex'],
    ['sam', 'Sam'],
  ] as const) {
    const body = { username, password, email: `${username}@example.com`, name };
    done(await parley.POST('/api/users', { body }));
  }
  const alex = await logIn(baseUrl, 'alex', password);
  const sam = await logIn(baseUrl, 'sam', password);

  const found = done(await alex.GET('/api/users', { params: { query: { username: 'sa' } } })).data;
  const created = await alex.POST('/api/chats', {
    body: { name: 'Chat', users: found.map(({ username }) => username), message: 'first' },
  });
  const chat = done(created).data.uuid;
  const path = { chat };
  done(
    await sam.POST('/api/chats/{chat}/messages', {
      params: { path },
      body: { type: 'message', message: 'second' },
    }),
  );
  const file = done(
    await sam.POST('/api/chats/{chat}/messages', {
      params: { path },
      body: { type: 'file', filename: 'notes.txt' },
    }),
  ).data;
  const uuid = file.uuid ?? '';
  done(
    await sam.POST('/api/files/{file}', {
      params: { path: { file: uuid } },
      body: { file: 'some notes' },
      bodySerializer: ({ file: content }) => {
        const form = new FormData();
        form.append('file', new Blob([content]), 'notes.txt');
        return form;
      },
    }),
  );
  const download = await alex.GET('/api/files/{file}', { params: { path: { file: uuid } }, parseAs: 'text' });
  const page = done(
    await alex.GET('/api/chats/{chat}/messages', { params: { path, query: { per_page: 2, order: 'desc' } } }),
  ).data;
  const edit = { params: { path: { chat, message: 0 } }, body: { message: 'edited' } };
  done(await alex.PUT('/api/chats/{chat}/messages/{message}', edit));
  const message = done(await sam.GET('/api/chats/{chat}/messages/{message}', { params: edit.params }));
  done(await alex.PUT('/api/chats/{chat}', { params: { path }, body: { name: 'Renamed' } }));
  const chats = done(await sam.GET('/api/chats')).data;

  const room = done(await alex.POST('/api/create_room', { body: { room_name: 'General' } }));
  done(await sam.POST('/api/join_room', { body: { name: 'General' } }));
  done(await sam.POST('/api/send_room_message', { body: { room_id: room.room_id, message: 'hello' } }));
  const { messages } = done(
    await alex.GET('/api/get_room_messages', { params: { query: { room_id: room.room_id } } }),
  );

  const refused = await sam.DELETE('/api/chats/{chat}', { params: { path } });
  const wrongRoom = await sam.POST('/api/join_room', { body: { name: 'Nowhere' } });
  done(await alex.GET('/api/auth/logout'));
  const late = await alex.GET('/api/chats');
  const codes: (ErrorCode | undefined)[] = [refused, wrongRoom, late].map(({ error }) => error?.code);

  return {
    texts: page.messages.map((shown) => shown.message),
    file: page.messages[0]?.file?.filename,
    downloaded: download.data,
    edited: message.message,
    chats: chats.map(({ name }) => name),
    room: messages.map(({ username, message: text }) => `${username}: ${text}`),
    codes,
  };
}

async function logIn(baseUrl: string, username: string, password: string): Promise<Client<paths>> {
  const { token } = done(
    await createClient<paths>({ baseUrl }).POST('/api/auth/login', { body: { username, password } }),
  ).data;
  return createClient<paths>({ baseUrl, headers: { Authorization: token } });
}

function done<Data>({ data, error }: { data?: Data; error?: { code: ErrorCode } }): Data {
  if (data === undefined) throw new Error(`the call failed: ${error?.code}`);
  return data;
}
