import type { Progress } from '@parley/client';
import { useRef, useState } from 'preact/hooks';
import { Problem } from './parts.js';
import { client } from './session.js';

interface Upload {
  id: number;
  chat: string;
  file: File;
  progress: Progress | undefined;
  error: Error | undefined;
  stop: AbortController;
}

export interface Uploads {
  list: readonly Upload[];
  add: (chat: string, files: Iterable<File>) => void;
  /** Stops an upload that is under way, or forgets one that has failed. */
  remove: (upload: Upload) => void;
}

/** The uploads that this page has begun. */
export function useUploads(): Uploads {
  const [list, setList] = useState<Upload[]>([]);
  const count = useRef(0);
  const change = (id: number, changed: Partial<Upload>) =>
    setList((all) => all.map((one) => (one.id === id ? { ...one, ...changed } : one)));
  const forget = (id: number) => setList((all) => all.filter((one) => one.id !== id));

  const begin = async ({ id, chat, file, stop: { signal } }: Upload) => {
    try {
      await client.upload(chat, file, { signal, onProgress: (progress) => change(id, { progress }) });
      forget(id);
    } catch (error) {
      if (signal.aborted) forget(id);
      else change(id, { error: error as Error });
    }
  };
  const add = (chat: string, files: Iterable<File>) => {
    for (const file of files) {
      count.current += 1;
      const upload = {
        id: count.current,
        chat,
        file,
        progress: undefined,
        error: undefined,
        stop: new AbortController(),
      };
      setList((all) => [...all, upload]);
      void begin(upload);
    }
  };
  const remove = ({ id, stop }: Upload) => {
    stop.abort();
    forget(id);
  };
  return { list, add, remove };
}

export function UploadList({ chat, uploads: { list, remove } }: { chat: string; uploads: Uploads }) {
  const own = list.filter((upload) => upload.chat === chat);
  return (
    <ul class="uploads">
      {own.map((upload) => (
        <li key={upload.id}>
          <span dir="auto">{upload.file.name}</span>
          {upload.error ? (
            <Problem error={upload.error} />
          ) : (
            <progress
              aria-label={`Upload of ${upload.file.name}`}
              value={upload.progress?.loaded}
              max={upload.progress?.total}
            />
          )}
          <button
            type="button"
            class="quiet"
            aria-label={`Remove the upload of ${upload.file.name}`}
            onClick={() => remove(upload)}
          >
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}
