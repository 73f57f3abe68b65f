import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Transport } from 'nodemailer';

export function emlFileTransport(folder: string): Transport {
  return {
    name: 'eml-file',
    version: '1.0.0',
    send({ message }, done) {
      const messageId = message.messageId();
      const write = async () => {
        const name = messageId.replace(/^<|@.*$/g, '').replace(/[^\w.-]/g, '_');
        const unfinished = join(folder, `.${name}.tmp`);
        await mkdir(folder, { recursive: true });
        await writeFile(unfinished, await message.build(), { mode: 0o600 });
        await rename(unfinished, join(folder, `${name}.eml`));
        return { messageId, envelope: message.getEnvelope() };
      };
      write().then(
        (sent) => done(null, sent),
        (error: Error) => done(error, undefined),
      );
    },
  };
}
