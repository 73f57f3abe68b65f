import { describe, expect, test } from 'vitest';
import { parseInvocation } from '#src/admin/parse.js';
import { COMMANDS, usageOf, UsageError } from '#src/admin/usage.js';

const CHAT = '0198f0b4-6f0a-4c5e-9d0e-3f1f7a2b4c5d';

const parse = (line: string) => parseInvocation(line === '' ? [] : line.split(' '));

function refusal(line: string): string {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`'${line}' is accepted`);
}

describe('a command line is understood', () => {
  test.each([
    ['users list', { name: 'users list', args: [], options: {} }],
    ['users list --search al --json', { name: 'users list', options: { search: 'al', json: true } }],
    ['users list --after=alex --limit 1000', { options: { after: 'alex', limit: '1000' } }],
    ['users reset-password alex --print-link', { args: ['alex'], options: { 'print-link': true } }],
    ['users erase --yes -- --alex', { name: 'users erase', args: ['--alex'], options: { yes: true } }],
    [`messages delete ${CHAT} 0 --yes`, { name: 'messages delete', args: [CHAT, '0'] }],
    [`chats delete ${CHAT} --yes`, { name: 'chats delete', args: [CHAT] }],
  ])('%s', (line, expected) => {
    expect(parse(line)).toMatchObject(expected);
  });
});

describe('a command line is refused, and nothing is guessed', () => {
  test.each([
    ['', 'a command is missing'],
    ['users', "there is no command 'users'"],
    ['users li', "there is no command 'users li'"],
    ['user list', "there is no command 'user list'"],
    ['--json users list', "there is no command '--json users'"],
    ['users show', '<username> is missing'],
    ['users show alex sam', "'sam' is one argument too many"],
    ['users show alex --search x', "Unknown option '--search'"],
    ['users list --sear x', "Unknown option '--sear'"],
    ['users list --search', "Option '--search <value>' argument missing"],
    ['users list --search=', "'--search' must not be empty"],
    ['users list --search a --search b', "'--search' is given twice"],
    ['users list --search a --limit 5', "'--search' takes neither '--after' nor '--limit'"],
    ['users list --limit 1001', "'--limit' must be an integer from 1 to 1000"],
    ['users list --limit 1e2', "'--limit' must be an integer from 1 to 1000"],
    ['users erase alex', "'--yes' is missing"],
    ['users logout alex --yes', "Unknown option '--yes'"],
    ['chats show Chat', "<chat> must be the uuid of a chat, not 'Chat'"],
    [`chats delete ${CHAT}`, "'--yes' is missing"],
    [`messages delete ${CHAT} --yes`, '<index> is missing'],
    [`messages delete ${CHAT} -1 --yes`, "Unknown option '-1'"],
    [`messages delete ${CHAT} 01 --yes`, "<index> must be an integer, not '01'"],
    [`messages delete ${CHAT} 1`, "'--yes' is missing"],
  ])('%s', (line, problem) => {
    expect(refusal(line).split('\n')[0]).toContain(problem);
    expect(refusal(line)).toContain('Usage:');
  });

  test('an empty name', () => {
    expect(() => parseInvocation(['users', 'show', ''])).toThrow('<username> is empty');
  });
});

describe('--help', () => {
  test.each(Object.keys(COMMANDS))('%s', (name) => {
    expect(parse(`${name} --help`)).toMatch(new RegExp(`^Usage: npm run admin -- ${name}`));
  });

  test('of all commands, and of a group', () => {
    expect(parse('--help')).toBe(usageOf());
    for (const name of Object.keys(COMMANDS)) expect(parse('--help')).toContain(` ${name}`);
    expect(parse('chats --help')).toContain('chats delete <chat> --yes');
    expect(parse('chats --help')).not.toContain('users');
  });
});
