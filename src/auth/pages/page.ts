import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply } from 'fastify';
import Handlebars from 'handlebars';

/** A whole page with the policy that lets nothing but its own style and script run. */
export interface Page {
  html: string;
  policy: string;
}

/** How something ended, in words for a person. */
export interface Outcome {
  tone: keyof typeof ICONS;
  title: string;
  /** Paragraphs. */
  text: string[];
}

/** Paths in a square of 24: a tick, an exclamation mark, an i. */
const ICONS = {
  good: 'M7 12.5l3.5 3.5L17 9',
  bad: 'M12 6.5v7M12 17.3v.1',
  note: 'M12 11v6.5M12 7v.1',
};

const STYLE = readAsset('pages.css');
const shell = compileTemplate('shell.hbs');
const outcomeTemplate = compileTemplate('outcome.hbs');

/** A file beside this one. A browser reads line ends as `\n`, whatever they are on disk, and hashes those. */
export function readAsset(name: string): string {
  return readFileSync(join(import.meta.dirname, name), 'utf8').replaceAll('\r\n', '\n');
}

export function compileTemplate(name: string): HandlebarsTemplateDelegate {
  return Handlebars.compile(readAsset(name), { strict: true });
}

/** The part of a page that tells how something ended. */
export function renderOutcome(outcome: Outcome): string {
  return outcomeTemplate({ ...outcome, icon: ICONS[outcome.tone] });
}

export function outcomePage(outcome: Outcome): Page {
  return makePage({ title: outcome.title, body: renderOutcome(outcome) });
}

/** Puts the body, which is HTML, into the shell. A script may call the server that the page came from. */
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

/** Sends a page that loads nothing and tells nobody its address, which holds a token. */
export function sendPage(reply: FastifyReply, status: number, { html, policy }: Page): FastifyReply {
  return reply
    .status(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policy)
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .send(html);
}
