import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import type { MailKind } from './mail.entity.js';
import type { MailContent } from './outbox.service.js';

const FOLDER = join(import.meta.dirname, 'templates');

const SUBJECTS: Record<MailKind, string> = {
  'verify-email': 'Welcome to Parley: verify your email address',
  'verify-new-email': 'Verify your new email address',
  'reset-password': 'Reset your password',
  'password-changed': 'Your password was changed',
};

export interface MailToRender extends MailContent {
  kind: MailKind;
  address: string;
  /** The base of its links, without a trailing slash: `PUBLIC_URL`, never what a request says. */
  publicUrl: string;
}

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

const renderText = readTemplates('.txt.hbs', { noEscape: true });
const renderHtml = readTemplates('.html.hbs');

/** Words a mail, as text and as HTML, each in its layout. */
export function renderMail({ kind, publicUrl, token, ...to }: MailToRender): RenderedMail {
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

/** What a user chose must not add lines of its own to what we say, nor turn around how the rest is read. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu, ' ');
}

type Render = (name: MailKind, context: object) => string;

/** Compiles the templates whose files end that way; each may include the others by the rest of their names. */
function readTemplates(ending: string, options: CompileOptions = {}): Render {
  const handlebars = Handlebars.create();
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(ending));
  const templates = new Map(
    files.map((file) => [
      file.slice(0, -ending.length),
      handlebars.compile(readFileSync(join(FOLDER, file), 'utf8'), { strict: true, ...options }),
    ]),
  );
  for (const [name, template] of templates) handlebars.registerPartial(name, template);
  const render = (name: string, context: object) => {
    const template = templates.get(name);
    if (!template) throw new Error(`there is no template ${name}${ending}`);
    return template(context);
  };
  return (name, context) => render('layout', { ...context, body: render(name, context) });
}
