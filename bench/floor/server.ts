import { verify } from '@node-rs/argon2';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { FloorDatabase } from './database.js';
import {
  type Access,
  findAccess,
  findAfter,
  findBefore,
  findChats,
  findMessage,
  findPage,
  findSession,
} from './queries.js';
import { CHATS, LOGIN, MESSAGE, PAGE, SEND } from './schemas.js';
import type { Tokens } from './tokens.js';

class Refusal extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

interface ChatPath {
  chat: string;
}

interface PageQuery {
  page?: number;
  per_page: number;
  before?: number;
  after?: number;
}

/**
 * The floor: the server that Parley's speed is measured against, as a good engineer would write it in an
 * afternoon for exactly these routes. It shares Parley's schema, tokens and data.
 *
 * It does: the token's signature, expiry and kind, its session's row, the chat and the membership (both in one
 * query), the body and the query by schema; prepared statements on a pool; answers of the same bytes, by compiled
 * serialisers; one transaction and one flushed commit for each send.
 *
 * It does not: share commits between sends; check the membership again inside the transaction; read files of
 * messages (its answers say `null`); log; word the errors of bad input as the
 * contract does, or check all of it before the body; hide in the time of a login whether a user exists.
 */
export function createFloor(database: FloorDatabase, tokens: Tokens) {
  const app = Fastify({ logger: false });

  app.addHook('onClose', () => database.close());

  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply: FastifyReply) =>
    reply.status(error.statusCode ?? 500).send({ status: 'error', reason: error.message }),
  );

  function claimsOf({ headers }: FastifyRequest) {
    const token = headers.authorization?.replace(/^bearer\s+/i, '');
    if (!token) throw new Refusal(401, "header 'Authorization' must be present");
    const claims = tokens.verify(token);
    if (!claims) throw new Refusal(401, 'invalid token');
    return claims;
  }

  async function requireSession(request: FastifyRequest): Promise<number> {
    const { jti, sub } = claimsOf(request);
    const userId = await findSession(database, jti);
    if (userId === undefined || String(userId) !== sub) throw new Refusal(401, 'invalid token');
    return userId;
  }

  async function requireMember(request: FastifyRequest, chat: string): Promise<Access & { chat_id: number }> {
    const { jti, sub } = claimsOf(request);
    const access = await findAccess(database, jti, chat);
    if (!access || String(access.user_id) !== sub) throw new Refusal(401, 'invalid token');
    const { chat_id } = access;
    if (chat_id === null) throw new Refusal(400, 'specified chat does not exist');
    if (access.member === null) throw new Refusal(403, 'user is not part of specified chat');
    return { ...access, chat_id };
  }

  app.route<{ Body: { username: string; password: string } }>({
    method: 'POST',
    url: '/api/auth/login',
    schema: LOGIN,
    handler: async ({ body }) => {
      const [user] = await database.query<{ id: number; password_hash: string }>(
        'SELECT id, password_hash FROM users WHERE username_key = ?',
        [body.username.normalize('NFKC').toLowerCase()],
      );
      if (!user || !(await verify(user.password_hash, body.password.toLowerCase()))) {
        throw new Refusal(401, 'invalid username or password');
      }
      const { token, claims } = tokens.sign(user.id);
      await database.execute('INSERT INTO tokens (id, user_id, kind, expires_at) VALUES (?, ?, ?, ?)', [
        claims.jti,
        user.id,
        claims.aud,
        claims.exp,
      ]);
      return { status: 'success', data: { token } };
    },
  });

  app.route<{ Params: ChatPath; Body: { message: string } }>({
    method: 'POST',
    url: '/api/chats/:chat/messages',
    schema: SEND,
    handler: async (request) => {
      const { chat_id, user_id } = await requireMember(request, request.params.chat);
      const { seq, sentAt } = await database.send(chat_id, user_id, request.body.message);
      return { status: 'success', data: { index: seq, timestamp: sentAt * 1000 } };
    },
  });

  app.route<{ Params: ChatPath; Querystring: PageQuery }>({
    method: 'GET',
    url: '/api/chats/:chat/messages',
    schema: PAGE,
    handler: async (request) => {
      const access = await requireMember(request, request.params.chat);
      const { chat_id } = access;
      const { before, after, page = 0, per_page: perPage } = request.query;
      if (before !== undefined) {
        const messages = await findBefore(database, chat_id, before, perPage);
        return { status: 'success', data: { messages, perPage } };
      }
      if (after !== undefined) {
        const messages = await findAfter(database, chat_id, after, perPage);
        return { status: 'success', data: { messages, perPage } };
      }
      const messages = await findPage(database, access, page * perPage, perPage);
      return { status: 'success', data: { messages, page, perPage } };
    },
  });

  app.route<{ Params: ChatPath & { message: number } }>({
    method: 'GET',
    url: '/api/chats/:chat/messages/:message',
    schema: MESSAGE,
    handler: async (request) => {
      const { chat, message } = request.params;
      const { chat_id } = await requireMember(request, chat);
      const found = await findMessage(database, chat_id, message);
      if (!found) throw new Refusal(400, 'specified message does not exist');
      return found;
    },
  });

  app.route({
    method: 'GET',
    url: '/api/chats',
    schema: CHATS,
    handler: async (request) => ({
      status: 'success',
      data: await findChats(database, await requireSession(request)),
    }),
  });

  return app;
}
