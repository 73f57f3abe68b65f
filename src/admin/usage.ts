/** The command line cannot be understood. */
export class UsageError extends Error {}

interface Option {
  type: 'string' | 'boolean';
  help: string;
}

interface CommandUsage {
  summary: string;
  /** All are required. */
  args: readonly string[];
  options: Readonly<Record<string, Option>>;
}

const YES = { yes: { type: 'boolean', help: 'is required, because nothing brings it back' } } as const;

/** Each command, by its name. */
export const COMMANDS = {
  'users list': {
    summary: 'Lists users by username, or those that a search finds.',
    args: [],
    options: {
      search: { type: 'string', help: 'a part of the username; at most 10 users are found' },
      after: { type: 'string', help: 'starts behind this username' },
      limit: { type: 'string', help: 'users to list, 1 to 1000; by default 100' },
    },
  },
  'users show': { summary: 'Shows a user.', args: ['username'], options: {} },
  'users reset-password': {
    summary: 'Mails the user a link to choose a new password, which is valid for an hour.',
    args: ['username'],
    options: { 'print-link': { type: 'boolean', help: 'prints the link, and mails nothing' } },
  },
  'users logout': { summary: 'Ends all sessions of a user.', args: ['username'], options: {} },
  'users erase': {
    summary: 'Erases a user, with all messages and files that the user sent.',
    args: ['username'],
    options: YES,
  },
  'messages delete': { summary: 'Deletes a message of a chat.', args: ['chat', 'index'], options: YES },
  'chats show': { summary: 'Shows a chat.', args: ['chat'], options: {} },
  'chats delete': { summary: 'Deletes a chat, with its messages and files.', args: ['chat'], options: YES },
} as const satisfies Record<string, CommandUsage>;

export type CommandName = keyof typeof COMMANDS;

/** Options that every command has. */
export const COMMON_OPTIONS = {
  json: { type: 'boolean', help: 'prints JSON' },
  help: { type: 'boolean', help: 'prints this text' },
} as const satisfies Record<string, Option>;

const START = 'npm run admin --';

const lineOf = (name: string): string => {
  const { args, options } = COMMANDS[name as CommandName] as CommandUsage;
  const parts = args.map((arg) => `<${arg}>`);
  for (const [option, { type }] of Object.entries(options)) {
    const text = type === 'string' ? `--${option} <${option}>` : `--${option}`;
    parts.push(option === 'yes' ? text : `[${text}]`);
  }
  return [START, name, ...parts].join(' ');
};

/** Returns the usage of a command, or of all commands whose name starts with `name`. */
export function usageOf(name = ''): string {
  const names = Object.keys(COMMANDS).filter((one) => one === name || one.startsWith(name && `${name} `));
  if (names.length !== 1) {
    const list = names.flatMap((one) => [
      `  ${lineOf(one)}`,
      `      ${COMMANDS[one as CommandName].summary}`,
    ]);
    return ['Usage:', ...list, '', 'All commands take --json and --help.', ''].join('\n');
  }
  const [command] = names;
  const { summary, options } = COMMANDS[command as CommandName] as CommandUsage;
  const list = Object.entries({ ...options, ...COMMON_OPTIONS }).map(
    ([option, { help }]) => `  --${option.padEnd(12)} ${help}`,
  );
  return [`Usage: ${lineOf(command)}`, '', summary, '', ...list, ''].join('\n');
}
