import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply } from 'fastify';
import Handlebars from 'handlebars';

/** An HTML document and its Content-Security-Policy, which allows only its inline style and script. */
export interface Page {
  html: string;
  policy: string;
}

export interface Outcome {
  tone: keyof typeof ICONS;
  title: string;
  text: string[];
}

const ICONS = {
  good: 'M7 12.5l3.5 3.5L17 9',
  bad: 'M12 6.5v7M12 17.3v.1',
  note: 'M12 11v6.5M12 7v.1',
};

const STYLE = readAsset('pages.css');
const shell = compileTemplate('shell.hbs');
const outcomeTemplate = compileTemplate('outcome.hbs');

/** Reads a file of this folder with `\n` as line ends, because browsers normalize them before they check a hash. */
export function readAsset(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8').replaceAll('\r\n', '\n');
}

export function compileTemplate(name: string): HandlebarsTemplateDelegate {
  return Handlebars.compile(readAsset(name), { strict: true });
}

export function renderOutcome(outcome: Outcome): string {
  return outcomeTemplate({ ...outcome, icon: ICONS[outcome.tone] });
}

export function outcomePage(outcome: Outcome): Page {
  return makePage({ title: outcome.title, body: renderOutcome(outcome) });
}

/** Builds a page from an HTML body. The script may only call the server that sent the page. */
export function makePage({
  title,
  body,
  script = '',
}: {
  title: string;
  body: string;
  script?: string;
}): Page {
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    ...(script ? [`script-src ${hashOf(script)}`, "connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return { html: shell({ title, body, script, style: STYLE }), policy: policy.join('; ') };
}

function hashOf(inline: string): string {
  return `'sha256-${createHash('sha256').update(inline).digest('base64')}'`;
}

export function sendPage(reply: FastifyReply, status: number, { html, policy }: Page): FastifyReply {
  return reply
    .status(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policy)
    .send(html);
}
