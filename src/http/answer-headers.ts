const text = (description: string, example: string) => ({ description, schema: { type: 'string', example } });

/** The headers that the document describes. */
export const HEADERS = {
  'x-request-id': text('Names the request in the log.', '0b8e3c6e-6e0b-4f0e-9d5a-0f6f1f1c2d3e'),
  'Retry-After': {
    description: 'Seconds to wait before the next try.',
    schema: { type: 'integer', minimum: 1, example: 1 },
  },
  RateLimit: text('What is left of the limit, and in how many seconds all of it is.', '"send";r=199;t=1'),
  'RateLimit-Policy': text('The limit, and the seconds that it spans.', '"send";q=200;w=10'),
  'Idempotency-Replayed': text('Present if the request was a repeat, and this is the first answer.', 'true'),
  ETag: text('The SHA-256 digest of the bytes, in quotes.', `"${'0123456789abcdef'.repeat(4)}"`),
  'Content-Disposition': text("The file's name.", 'attachment; filename="notes.txt"'),
  'Content-Range': text('Which bytes of the file these are.', 'bytes 0-1023/4096'),
};

type HeaderName = keyof typeof HEADERS;

const OF_STATUS: Record<string, HeaderName[] | undefined> = {
  429: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  503: ['Retry-After'],
};

type Statuses = number[] | 'all';

const documented: { operationId: string; statuses: Statuses; names: HeaderName[] }[] = [];

/** Documents headers of a route's answers. */
export function ApiAnswerHeaders(statuses: Statuses, ...names: HeaderName[]): MethodDecorator {
  return (_controller, method) => void documented.push({ operationId: String(method), statuses, names });
}

/** Documents that every answer of a route tells what is left of its limit. */
export const ApiAnnouncedLimit = () => ApiAnswerHeaders('all', 'RateLimit', 'RateLimit-Policy');

/** Returns references to the headers that an answer may have. */
export function headersOf(operationId: string, status: string): Record<string, object> {
  const own = documented
    .filter((entry) => entry.operationId === operationId)
    .filter(({ statuses }) => statuses === 'all' || statuses.includes(Number(status)));
  const names = ['x-request-id', ...(OF_STATUS[status] ?? []), ...own.flatMap((entry) => entry.names)];
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
