import { parseArgs } from 'node:util';
import { type CommandName, COMMANDS, COMMON_OPTIONS, usageOf, UsageError } from './usage.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the operator asks for. */
export interface Invocation {
  name: CommandName;
  args: string[];
  options: Partial<Record<string, string | boolean>>;
}

/** Returns the text to print instead, if the operator asks for help. @throws UsageError instead of guessing. */
export function parseInvocation(words: string[]): Invocation | string {
  const name = Object.keys(COMMANDS).find((one) => one === words.slice(0, 2).join(' '));
  if (name) return parseCommand(name as CommandName, words.slice(2));
  const [group] = words;
  const isGroup = Object.keys(COMMANDS).some((one) => one.startsWith(`${group} `));
  const rest = isGroup ? words.slice(1) : words;
  const usage = usageOf(isGroup ? group : '');
  if (rest.length === 1 && rest[0] === '--help') return usage;
  const what =
    words.length === 0 ? 'a command is missing' : `there is no command '${words.slice(0, 2).join(' ')}'`;
  throw new UsageError(`${what}\n\n${usage}`);
}

function parseCommand(name: CommandName, words: string[]): Invocation | string {
  const refuse = (problem: string) => new UsageError(`${problem}\n\n${usageOf(name)}`);
  const { args, options } = COMMANDS[name];
  let parsed;
  try {
    parsed = parseArgs({
      args: words,
      options: { ...options, ...COMMON_OPTIONS },
      allowPositionals: true,
      tokens: true,
    });
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const values = parsed.values as Invocation['options'];
  const positionals = parsed.positionals;
  const given = parsed.tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const twice = given.find((option, place) => given.indexOf(option) !== place);
  if (twice) throw refuse(`'--${twice}' is given twice`);
  if (values.help) return usageOf(name);
  if (positionals.length < args.length) throw refuse(`<${args[positionals.length]}> is missing`);
  if (positionals.length > args.length)
    throw refuse(`'${positionals[args.length]}' is one argument too many`);
  for (const [place, arg] of args.entries()) checkArgument(arg, positionals[place], refuse);
  if ('yes' in options && !values.yes) throw refuse("'--yes' is missing");
  const { limit, search, after } = values;
  if (limit !== undefined && !isInteger(String(limit), 1, 1000))
    throw refuse("'--limit' must be an integer from 1 to 1000");
  if (search !== undefined && (after ?? limit) !== undefined)
    throw refuse("'--search' takes neither '--after' nor '--limit'");
  if (search === '') throw refuse("'--search' must not be empty");
  return { name, args: positionals, options: values };
}

function checkArgument(arg: string, value: string, refuse: (problem: string) => UsageError): void {
  if (value === '') throw refuse(`<${arg}> is empty`);
  if (arg === 'chat' && !UUID.test(value)) throw refuse(`<chat> must be the uuid of a chat, not '${value}'`);
  if (arg === 'index' && !isInteger(value, 0, Number.MAX_SAFE_INTEGER))
    throw refuse(`<index> must be an integer, not '${value}'`);
}

function isInteger(text: string, min: number, max: number): boolean {
  return /^(0|[1-9]\d*)$/.test(text) && Number(text) >= min && Number(text) <= max;
}
