import type { Progress } from '@parley/client';
import { useEffect, useState } from 'preact/hooks';
import { Problem, useAction } from './parts.js';
import { client } from './session.js';

/** A file that was chosen for a chat. */
export interface Upload {
  key: string;
  chat: string;
  file: File;
}

interface Props extends Omit<Upload, 'key'> {
  isShown: boolean;
  onEnd: () => void;
}

/** Uploads a file, also while it is not shown. It is given up when the item is removed. */
export function UploadItem({ chat, file, isShown, onEnd }: Props) {
  const [progress, setProgress] = useState<Progress>();
  const { run, error } = useAction();
  useEffect(() => {
    const stop = new AbortController();
    void run(async () => {
      await client.upload(chat, file, { signal: stop.signal, onProgress: setProgress });
      onEnd();
    });
    return () => stop.abort();
  }, []);
  return (
    <li hidden={!isShown}>
      <span dir="auto">{file.name}</span>
      {!error && (
        <progress aria-label={`Upload of ${file.name}`} value={progress?.loaded} max={progress?.total} />
      )}
      <Problem error={error} />
      <button aria-label={`Remove the upload of ${file.name}`} onClick={onEnd}>
        ✕
      </button>
    </li>
  );
}
