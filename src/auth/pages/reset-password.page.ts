import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileTemplate, makePage, type Outcome, outcomePage, readAsset, renderOutcome } from './page.js';

const OUTCOMES: Record<'done' | 'used' | 'expired' | 'damaged', Outcome> = {
  done: {
    tone: 'good',
    title: 'Your new password is set',
    text: [
      'Go back to your chat program and log in with it. Where you are logged in already, you stay so.',
      'You can close this page.',
    ],
  },
  used: {
    tone: 'bad',
    title: 'This link is used up',
    text: [
      'A link sets a password once, and doing so ends the older links too. Your password was not changed now.',
      'If you have just set a new password, it counts: log in with it. Otherwise ask your chat program for a new mail.',
    ],
  },
  expired: {
    tone: 'bad',
    title: 'This link has expired',
    text: [
      'Links to set a new password work for one hour. Your password was not changed.',
      'Ask your chat program for a new mail, and use the link in it soon.',
    ],
  },
  damaged: {
    tone: 'bad',
    title: 'This link is not complete',
    text: [
      'Part of it is missing or changed: some mail programs cut long links off. Your password was not changed.',
      'Go back to the mail and copy the whole link into the address bar, or ask your chat program for a new mail.',
    ],
  },
};

const TITLE = 'Choose a new password';

/** The same for every token: the script of the page reads the token from the URL. */
export const resetPasswordPage = makePage({
  title: TITLE,
  body: compileTemplate('reset-password.hbs')({
    title: TITLE,
    outcomes: Object.fromEntries(
      Object.entries(OUTCOMES).map(([id, outcome]) => [id, renderOutcome(outcome)]),
    ),
  }),
  script: `${readSha256()}\n${readAsset('reset-password.js')}`,
});

export const incompleteResetPage = outcomePage(OUTCOMES.damaged);

/** Reads the browser build of js-sha256, which the page inlines. */
function readSha256(): string {
  return readFileSync(fileURLToPath(import.meta.resolve('js-sha256/build/sha256.min.js')), 'utf8');
}
