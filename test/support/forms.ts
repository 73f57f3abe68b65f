/** One part of a multipart form, which may be malformed. */
export interface Part {
  content: string | Uint8Array;
  name?: string;
  /** Written between quotes without escaping; `null` for a plain field. */
  filename?: string | null;
  type?: string;
  /** The whole header `Content-Disposition`, in place of `name` and `filename`. */
  disposition?: string;
}

/** The part of `RequestOptions` that is the body. */
export interface RawForm {
  raw: Buffer;
  headers: Record<string, string>;
}

const BOUNDARY = '----parley-test-boundary';

export function form(...parts: Part[]): RawForm {
  const raw = Buffer.concat([...parts.flatMap(writePart), Buffer.from(`--${BOUNDARY}--\r\n`)]);
  return { raw, headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` } };
}

function writePart({ content, name = 'file', filename = 'a.bin', type, disposition }: Part): Buffer[] {
  const named = filename === null ? '' : `; filename="${filename}"`;
  const head = [
    `--${BOUNDARY}`,
    `Content-Disposition: ${disposition ?? `form-data; name="${name}"${named}`}`,
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
  ];
  return [Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')];
}

/** Encodes the form as a browser does. */
export async function browserForm(file: Blob, filename: string): Promise<RawForm> {
  const data = new FormData();
  data.append('file', file, filename);
  const { headers, body } = new Request('http://parley.test', { method: 'POST', body: data });
  const raw = Buffer.from(await new Response(body).arrayBuffer());
  return { raw, headers: { 'content-type': headers.get('content-type') ?? '' } };
}
