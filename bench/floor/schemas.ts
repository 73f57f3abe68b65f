/** Fastify checks what comes in by these, and compiles them into serialisers of what goes out. */

const string = { type: 'string' };
const integer = { type: 'integer' };

/** Every property is there in every answer: the serialiser need not look which are. */
function object(properties: Record<string, object>) {
  return { type: 'object', required: Object.keys(properties), properties };
}

const user = object({ name: string, username: string });

const message = object({
  index: integer,
  type: string,
  sender: user,
  message: string,
  file: { type: 'null' },
  timestamp: integer,
  edited: { type: ['integer', 'null'] },
});

const chat = object({
  uuid: string,
  name: string,
  users: { type: 'array', items: user },
  messages: { type: 'array', items: message },
});

const success = (data: object) => ({ response: { 200: object({ status: string, data }) } });

/** Nothing is said to be required: the serialiser would write that first, and `page` last. */
const page = {
  type: 'object',
  properties: { messages: { type: 'array', items: message }, page: integer, perPage: integer },
};

const INDEX = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const chatPath = object({ chat: { type: 'string', format: 'uuid' } });

export const LOGIN = {
  body: object({
    username: { type: 'string', minLength: 1, maxLength: 64 },
    password: { type: 'string', pattern: '^[0-9a-fA-F]{64}$' },
  }),
  ...success(object({ token: string })),
};

export const SEND = {
  params: chatPath,
  body: object({
    type: { const: 'message' },
    message: { type: 'string', minLength: 1, maxLength: 16_383, pattern: '\\S' },
  }),
  ...success(object({ index: integer, timestamp: integer })),
};

export const PAGE = {
  params: chatPath,
  querystring: {
    type: 'object',
    properties: {
      page: INDEX,
      per_page: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
      before: INDEX,
      after: INDEX,
    },
  },
  ...success(page),
};

export const MESSAGE = {
  params: object({ chat: { type: 'string', format: 'uuid' }, message: INDEX }),
  response: { 200: message },
};

export const CHATS = success({ type: 'array', items: chat });
