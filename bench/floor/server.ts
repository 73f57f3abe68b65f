/* oxlint-disable oxc/no-async-endpoint-handlers -- Fastify awaits handlers. */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import Fastify, { type FastifyRequest } from 'fastify';
import type { FloorDatabase } from './database.js';
import { CHATS, MESSAGE, PAGE, SEND } from './schemas.js';

type ChatRoute = { Params: { chat: string } };
type SendRoute = ChatRoute & { Body: { message: string } };
type MessageRoute = ChatRoute & { Params: { message: number } };
type PageQuery = { page?: number; per_page: number; before?: number; after?: number };
type PageRoute = ChatRoute & { Querystring: PageQuery };
type AccessRow = { user_id: number; chat_id: number | null; deleted_count: number; member: number | null };
type UserRow = { chat_id: number; name: string; username: string };
type MessageRow = {
  seq: number;
  type: string;
  text: string;
  sent_at: number;
  edited_at: number | null;
  name: string;
  username: string;
};
type ChatRow = { id: number; uuid: string; chat_name: string } & (MessageRow | { seq: null });

const MESSAGE_COLUMNS = 'm.seq, m.type, m.text, m.sent_at, m.edited_at, u.name, u.username';

/** Fastify answers with the status of an error that has one. */
const refusal = (statusCode: number, message: string) => Object.assign(new Error(message), { statusCode });

const toMessage = (row: MessageRow) => ({
  index: row.seq,
  type: row.type,
  sender: row,
  message: row.text,
  file: null,
  timestamp: row.sent_at * 1000,
  edited: row.edited_at === null ? null : row.edited_at * 1000,
});

/**
 * Creates the floor: the server that Parley's speed is compared with. A good engineer would write it in an
 * afternoon. It has four routes and uses Parley's schema, tokens and data.
 *
 * It verifies the token's signature, expiry and kind, and validates input by schemas. One query reads the
 * session, the chat and the membership. Statements are prepared. Each message is one transaction with one
 * flushed commit. Compiled serializers write the same bytes as Parley.
 *
 * Unlike Parley, it has no group commit, checks the membership only before the transaction, never reads files
 * (answers say `null`), logs nothing, and does not follow the contract's error texts and order of checks.
 */
export function createFloor(database: FloorDatabase, jwtSecret: string) {
  const app = Fastify({ logger: false });
  const key = createSecretKey(jwtSecret, 'utf8');

  app.addHook('onClose', () => database.close());

  function verifyToken({ headers }: FastifyRequest): { sub: string; jti: string } {
    const token = headers.authorization?.replace(/^bearer\s+/i, '') ?? '';
    const [header, payload, signature = ''] = token.split('.');
    const expected = createHmac('sha256', key).update(`${header}.${payload}`).digest();
    const actual = Buffer.from(signature, 'base64url');
    const isGenuine = actual.length === expected.length && timingSafeEqual(actual, expected);
    const claims = isGenuine ? JSON.parse(Buffer.from(payload, 'base64url').toString()) : undefined;
    if (claims?.aud !== 'authentication' || claims.exp <= Date.now() / 1000) {
      throw refusal(401, 'invalid token');
    }
    return claims;
  }

  async function requireMember(request: FastifyRequest<ChatRoute>) {
    const { jti, sub } = verifyToken(request);
    const [access] = await database.query<AccessRow>(
      `SELECT t.user_id, c.id AS chat_id, c.deleted_count, m.user_id AS member FROM tokens t
       LEFT JOIN chats c ON c.uuid = ?
       LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = t.user_id
       WHERE t.id = ? AND t.kind = 'authentication'`,
      [request.params.chat, jti],
    );
    if (String(access?.user_id) !== sub) throw refusal(401, 'invalid token');
    const { chat_id } = access;
    if (chat_id === null) throw refusal(400, 'specified chat does not exist');
    if (access.member === null) throw refusal(403, 'user is not part of specified chat');
    return { ...access, chat_id };
  }

  app.post<SendRoute>('/api/chats/:chat/messages', { schema: SEND }, async (request) => {
    const { chat_id, user_id } = await requireMember(request);
    const { seq, sentAt } = await database.send(chat_id, user_id, request.body.message);
    return { status: 'success', data: { index: seq, timestamp: sentAt * 1000 } };
  });

  app.get<PageRoute>('/api/chats/:chat/messages', { schema: PAGE }, async (request) => {
    const { chat_id, deleted_count } = await requireMember(request);
    const { before, after, page = 0, per_page: perPage } = request.query;
    const findRange = async (condition: string, seq: number, order = 'ASC', offset = 0) => {
      // The outer join makes MariaDB read the messages first. The schema has checked the numbers.
      const rows = await database.query<MessageRow>(
        `SELECT ${MESSAGE_COLUMNS} FROM messages m LEFT JOIN users u ON u.id = m.sender_id
         WHERE m.chat_id = ? AND ${condition} ORDER BY m.seq ${order} LIMIT ${perPage} OFFSET ${offset}`,
        [chat_id, seq],
      );
      return rows.map(toMessage);
    };
    if (before !== undefined) {
      const messages = (await findRange('m.seq < ?', before, 'DESC')).toReversed();
      return { status: 'success', data: { messages, perPage } };
    }
    if (after !== undefined) {
      return { status: 'success', data: { messages: await findRange('m.seq > ?', after), perPage } };
    }
    // If no message is deleted, the indexes are the positions.
    const offset = deleted_count === 0 ? 0 : page * perPage;
    const messages = await findRange('m.seq >= ?', page * perPage - offset, 'ASC', offset);
    return { status: 'success', data: { messages, page, perPage } };
  });

  app.get<MessageRoute>('/api/chats/:chat/messages/:message', { schema: MESSAGE }, async (request) => {
    const { chat_id } = await requireMember(request);
    const [row] = await database.query<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM messages m JOIN users u ON u.id = m.sender_id
       WHERE m.chat_id = ? AND m.seq = ?`,
      [chat_id, request.params.message],
    );
    if (!row) throw refusal(400, 'specified message does not exist');
    return toMessage(row);
  });

  app.get('/api/chats', { schema: CHATS }, async (request) => {
    const { jti, sub } = verifyToken(request);
    const [session] = await database.query<{ user_id: number }>(
      `SELECT user_id FROM tokens WHERE id = ? AND kind = 'authentication'`,
      [jti],
    );
    if (String(session?.user_id) !== sub) throw refusal(401, 'invalid token');
    const [chats, users] = await Promise.all([
      database.query<ChatRow>(
        `SELECT c.id, c.uuid, c.name AS chat_name, ${MESSAGE_COLUMNS} FROM members mine
         JOIN chats c ON c.id = mine.chat_id
         LEFT JOIN messages m ON m.chat_id = c.id AND m.seq = (
           SELECT seq FROM messages WHERE chat_id = c.id ORDER BY seq DESC LIMIT 1)
         LEFT JOIN users u ON u.id = m.sender_id
         WHERE mine.user_id = ? ORDER BY c.last_sent_at DESC, c.id DESC`,
        [session.user_id],
      ),
      database.query<UserRow>(
        `SELECT their.chat_id, u.name, u.username FROM members mine
         JOIN members their ON their.chat_id = mine.chat_id
         JOIN users u ON u.id = their.user_id
         WHERE mine.user_id = ? ORDER BY their.since`,
        [session.user_id],
      ),
    ]);
    const usersOf = new Map<number, UserRow[]>(chats.map(({ id }) => [id, []]));
    for (const user of users) usersOf.get(user.chat_id)?.push(user);
    const data = chats.map((row) => ({
      uuid: row.uuid,
      name: row.chat_name,
      users: usersOf.get(row.id),
      messages: row.seq === null ? [] : [toMessage(row)],
    }));
    return { status: 'success', data };
  });

  return app;
}
