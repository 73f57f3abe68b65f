import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadCommandSettings } from './config/settings.js';
import { MAIL_KINDS } from './mail/mail.entity.js';
import { renderMail } from './mail/mail.renderer.js';

// `npm run mail:preview [folder]` renders each mail to files. It needs neither a server nor a database.

/** Long values and markup, which templates must handle. */
const SAMPLE = {
  username: 'maximiliane.von-und-zu.hohenstein',
  name: 'Maximiliane <b>"Max"</b> von & zu Hohenstein-Schwarzenfels-Oberammergau, Freifrau zu Donaudampfschifffahrt 🚢',
  address: "o'reilly+<i>chat</i>&co@a-rather-long-name-of-a-mail-server.example.com",
  token: ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9', 'sample'.repeat(32), 'sample-'.repeat(6)].join('.'),
};

const { dataDir, publicUrl } = loadCommandSettings();
const folder = resolve(process.argv[2] ?? join(dataDir, 'mail-preview'));
mkdirSync(folder, { recursive: true });
for (const kind of MAIL_KINDS) {
  const { html, text } = renderMail({ ...SAMPLE, kind, publicUrl });
  writeFileSync(join(folder, `${kind}.html`), html);
  writeFileSync(join(folder, `${kind}.txt`), text);
}
process.stdout.write(`${MAIL_KINDS.length} mails, as HTML and text, are in ${folder}\n`);
