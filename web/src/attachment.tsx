import type { Message } from '@parley/client';
import { useEffect, useState } from 'preact/hooks';
import { Problem, useAction } from './parts.js';
import { client } from './session.js';

/** An object URL lives until the browser has begun the download. */
const REVOKE_MS = 10_000;

/** The picture or file of a message. It is fetched with the token, which no link can carry. */
export function Attachment({ message: { type, file } }: { message: Message }) {
  if (!file) return null;
  if (!file.used) return <p class="hint">Not uploaded yet.</p>;
  return type === 'image' ? (
    <Picture file={file.uuid} alt={file.filename || 'picture'} />
  ) : (
    <Download file={file.uuid} filename={file.filename} size={file.size ?? 0} />
  );
}

function Picture({ file, alt }: { file: string; alt: string }) {
  const [url, setUrl] = useState('');
  const { run, error } = useAction();
  const load = (signal?: AbortSignal) =>
    run(async () => {
      const answer = await client.download(file, signal);
      setUrl(URL.createObjectURL(await answer.blob()));
    });
  useEffect(() => {
    const stop = new AbortController();
    void load(stop.signal);
    return () => stop.abort();
  }, [file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  if (error) {
    return (
      <>
        <Problem error={error} />
        <button onClick={() => void load()}>Load the picture</button>
      </>
    );
  }
  return url ? <img src={url} alt={alt} /> : <div class="picture" role="img" aria-label={alt} />;
}

function Download({ file, filename, size }: { file: string; filename: string; size: number }) {
  const { run, isBusy, error } = useAction();
  const save = async () => {
    const answer = await client.download(file);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await answer.blob());
    link.download = filename;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_MS);
  };
  return (
    <>
      <button class="file" disabled={isBusy} onClick={() => void run(save)}>
        <span class="hidden">Download</span> <b dir="auto">{filename}</b> <span>{sizeOf(size)}</span>
      </button>
      <Problem error={error} />
    </>
  );
}

const UNITS = ['B', 'kB', 'MB', 'GB'];

function sizeOf(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toFixed(power > 0 && value < 10 ? 1 : 0)} ${UNITS[power]}`;
}
