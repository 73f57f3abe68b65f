import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transport } from 'nodemailer';

/** Where no SMTP server is set: each mail becomes a file that any mail program opens. */
export function emlFileTransport(folder: string): Transport {
  return {
    name: 'eml-file',
    version: '1.0.0',
    send(mail, done) {
      write(folder, mail.message).then(
        (messageId) => done(null, { messageId, envelope: mail.message.getEnvelope() }),
        (error: Error) => done(error, undefined),
      );
    },
  };
}

async function write(
  folder: string,
  message: { messageId(): string; build(): Promise<Buffer> },
): Promise<string> {
  const messageId = message.messageId();
  const name = messageId.replace(/^<|@.*$/g, '').replace(/[^\w.-]/g, '_');
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `.${name}.tmp`);
  await writeFile(unfinished, await message.build(), { mode: 0o600 });
  await rename(unfinished, join(folder, `${name}.eml`));
  return messageId;
}
