import createClient, {
  type Client,
  type ClientPathsWithMethod,
  type FetchResponse,
  type MaybeOptionalInit,
} from 'openapi-fetch';
import type { paths } from './api.js';
import { errorOfAnswer, isUnauthorized, type ParleyError, unreachable } from './errors.js';

/** Connections may break without a notice. A call that has no whole answer by then has failed. */
const TIMEOUT_MS = 30_000;

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

interface Answer<Operation extends Record<string, unknown>, Init> {
  data: NonNullable<FetchResponse<Operation, Init, 'application/json'>['data']>;
  response: Response;
}

type InitParam<Init> = Partial<Record<keyof Init, never>> extends Init ? [Init?] : [Init];

type Call<M extends Lowercase<Method>> = <
  Path extends ClientPathsWithMethod<Client<paths, 'application/json'>, M>,
  Init extends MaybeOptionalInit<paths[Path], M>,
>(
  path: Path,
  ...init: InitParam<Init>
) => Promise<Answer<Extract<paths[Path][M], object>, Init>>;

/** The calls of the OpenAPI document. They throw a `ParleyError` unless they succeed. */
export type Api = { [M in Method]: Call<Lowercase<M>> };

interface HttpOptions {
  url: string;
  getToken: () => string | undefined;
  /** Runs when the server has refused the present token. */
  onUnauthorized: (error: ParleyError) => void;
}

/** Sends requests with the token of the session. Whatever goes wrong becomes a `ParleyError`. */
export class Http {
  readonly url: string;
  readonly api: Api;
  private readonly options: HttpOptions;

  constructor(options: HttpOptions) {
    this.options = options;
    this.url = options.url.replace(/\/+$/, '');
    this.api = createClient<paths>({
      baseUrl: this.url,
      fetch: (request) => this.fetchWhole(request),
    }) as Api;
  }

  get token(): string | undefined {
    return this.options.getToken();
  }

  /**
   * Resolves with a successful answer, whose body may still be on its way.
   * @throws ParleyError, or the reason of the signal.
   */
  async fetch(input: Request | string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(typeof input === 'string' ? this.url + input : input, init);
    const { token } = this;
    const isOurs = token !== undefined && !request.headers.has('authorization');
    if (isOurs) request.headers.set('authorization', token);
    const { signal } = init;
    const response = await catchNetworkErrors(fetch(request), signal);
    if (response.ok) return response;
    const text = await catchNetworkErrors(response.text(), signal);
    const error = errorOfAnswer(response.status, text, response.headers.get('retry-after'));
    if (isOurs && isUnauthorized(error)) this.reportUnauthorized(token, error);
    throw error;
  }

  /** The session may have another token by now. */
  reportUnauthorized(token: string, error: ParleyError): void {
    if (token === this.token) this.options.onUnauthorized(error);
  }

  /** Reads JSON to its end, so that a connection that breaks before is a `ParleyError`, too. */
  private async fetchWhole(request: Request): Promise<Response> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(unreachable('timeout')), TIMEOUT_MS);
    const signal = AbortSignal.any([request.signal, limit.signal]);
    try {
      const response = await this.fetch(request, { signal });
      if (!response.headers.get('content-type')?.startsWith('application/json')) {
        if (request.url.includes('/api/files/')) return response;
        // A page of a network that wants a login, for instance.
        throw unreachable('not from Parley');
      }
      return new Response(await catchNetworkErrors(readJson(response), signal), response);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Rejects if a proxy has cut the answer off. */
async function readJson(response: Response): Promise<string> {
  const text = await response.text();
  JSON.parse(text);
  return text;
}

/**
 * Returns the result of a network operation. Rejects as soon as the signal is aborted: Node.js forgets the signal of a request
 * that is collected as garbage, even while its answer is still read.
 */
export function catchNetworkErrors<T>(work: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason as Error);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const onEnd = () => signal?.removeEventListener('abort', abort);
    void work.then(resolve, (error: unknown) => reject(unreachable(error))).finally(onEnd);
  });
}
