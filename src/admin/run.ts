import type { AdminService, UserLine } from './admin.service.js';
import type { Invocation } from './parse.js';
import type { CommandName } from './usage.js';

const DEFAULT_LIMIT = 100;

type Run = (admin: AdminService, args: string[], options: Invocation['options']) => Promise<object>;

const RUNS: Record<CommandName, Run> = {
  'users list': (admin, _, { search, after = '', limit = DEFAULT_LIMIT }) =>
    search === undefined ? admin.listUsers(String(after), Number(limit)) : admin.searchUsers(String(search)),
  'users show': (admin, [username]) => admin.showUser(username),
  'users reset-password': (admin, [username], options) =>
    admin.resetPassword(username, options['print-link'] === true),
  'users logout': (admin, [username]) => admin.logOut(username),
  'users erase': (admin, [username]) => admin.eraseUser(username),
  'messages delete': (admin, [chat, index]) => admin.deleteMessage(chat, Number(index)),
  'chats show': (admin, [chat]) => admin.showChat(chat),
  'chats delete': (admin, [chat]) => admin.deleteChat(chat),
};

export interface Output {
  text: string;
  /** Goes to stderr, so that stdout has the result alone. */
  hint?: string;
}

/** Runs a command, and returns what it prints. @throws ParleyError when the user, chat or message is not found. */
export async function runInvocation(
  admin: AdminService,
  { name, args, options }: Invocation,
): Promise<Output> {
  const result = await RUNS[name](admin, args, options);
  const hint = name === 'users list' ? hintOf(result as UserLine[], options) : undefined;
  if (options.json) return { text: `${JSON.stringify(result, null, 2)}\n`, hint };
  const lines = Array.isArray(result)
    ? result.map((row: object) => Object.values(row).map(printable).join('\t'))
    : Object.entries(result).map(([key, value]) => `${key.padEnd(10)} ${printable(value)}`);
  return { text: lines.map((line) => `${line}\n`).join(''), hint };
}

/** Says that a list is full. A search lists fewer users than any limit. */
function hintOf(users: UserLine[], { limit, search }: Invocation['options']) {
  const last = users.at(-1);
  if (!last || search !== undefined || users.length < Number(limit ?? DEFAULT_LIMIT)) return undefined;
  return `More may follow: --after ${printable(last.username)}\n`;
}

/** Escapes control characters, because names of users may hold sequences that a terminal obeys. */
function printable(value: unknown): string {
  return String(value).replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
