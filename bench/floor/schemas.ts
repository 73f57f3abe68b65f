const string = { type: 'string' };
const integer = { type: 'integer' };
const index = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const arrayOf = (items: object) => ({ type: 'array', items });

/** The serializer is faster if all properties are required. */
function object(properties: Record<string, object>) {
  return { type: 'object', required: Object.keys(properties), properties };
}

const chatPath = { chat: { type: 'string', format: 'uuid' } };
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
const chat = object({ uuid: string, name: string, users: arrayOf(user), messages: arrayOf(message) });

const success = (data: object) => ({ 200: object({ status: string, data }) });
const text = { type: 'string', minLength: 1, maxLength: 16_383, pattern: '\\S' };

export const SEND = {
  params: object(chatPath),
  body: object({ type: { const: 'message' }, message: text }),
  response: success(object({ index: integer, timestamp: integer })),
};

const perPage = { type: 'integer', minimum: 1, maximum: 1000, default: 100 };
const pageQuery = { page: index, per_page: perPage, before: index, after: index };
const page = { messages: arrayOf(message), page: integer, perPage: integer };

export const PAGE = {
  params: object(chatPath),
  querystring: { type: 'object', properties: pageQuery },
  // No `required` list: the serializer writes required properties first, which would move `page` to the end.
  response: success({ type: 'object', properties: page }),
};

export const MESSAGE = { params: object({ ...chatPath, message: index }), response: { 200: message } };

export const CHATS = { response: success(arrayOf(chat)) };
