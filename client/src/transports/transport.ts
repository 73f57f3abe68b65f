import type { Http } from '../http.js';
import type { LiveEvent } from '../types.js';

/** One connection that brings events, or one chain of polls. */
export interface Link {
  http: Http;
  token: string;
  /** Where to resume. */
  since: string | undefined;
  /** Ends the link. */
  signal: AbortSignal;
  onReady: (id: string, isRecovered: boolean) => void;
  onEvent: (event: LiveEvent) => void;
  /** Moves the place to resume from without an event. */
  onPlace: (id: string) => void;
}

/** Brings events until the connection is lost. Throws a `ParleyError` with a status if the server has refused. */
export type Transport = (link: Link) => Promise<void>;
