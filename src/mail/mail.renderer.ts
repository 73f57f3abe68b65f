import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import type { MailKind } from './mail.entity.js';

const FOLDER = join(import.meta.dirname, 'templates');

const SUBJECTS: Record<MailKind, string> = {
  'verify-email': 'Welcome to Parley: verify your email address',
  'verify-new-email': 'Verify your new email address',
  'reset-password': 'Reset your password',
  'password-changed': 'Your password was changed',
};

export interface MailContent {
  username: string;
  name: string;
  token: string | null;
}

export interface MailToRender extends MailContent {
  kind: MailKind;
  address: string;
  publicUrl: string;
}

const renderText = compileTemplates('.txt.hbs', { noEscape: true });
const renderHtml = compileTemplates('.html.hbs');

export function renderMail({ kind, publicUrl, token, ...to }: MailToRender) {
  const subject = SUBJECTS[kind];
  const context = {
    subject,
    token,
    username: oneLine(to.username),
    name: oneLine(to.name),
    address: oneLine(to.address),
    verifyUrl: `${publicUrl}/api/auth/verify-email?token=${token}`,
    resetUrl: `${publicUrl}/reset-password?token=${token}`,
    resetApiUrl: `${publicUrl}/api/auth/reset-password`,
  };
  return { subject, text: renderText(kind, context), html: renderHtml(kind, context) };
}

/** Replaces line breaks and bidirectional controls, with which a user could forge parts of the mail. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu, ' ');
}

function compileTemplates(extension: string, options: CompileOptions = {}) {
  const handlebars = Handlebars.create();
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(extension))) {
    const source = readFileSync(join(FOLDER, file), 'utf8');
    const template = handlebars.compile(source, { strict: true, ...options });
    handlebars.registerPartial(file.slice(0, -extension.length), template);
  }
  const render = (name: string, context: object): string =>
    (handlebars.partials[name] as HandlebarsTemplateDelegate)(context);
  return (kind: MailKind, context: object) => render('layout', { ...context, body: render(kind, context) });
}
