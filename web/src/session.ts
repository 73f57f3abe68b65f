import { ParleyClient, type Session } from '@parley/client';

const ITEM = 'parley-session';

const session = readSession();

/** The page's only way to the server. */
export const client = new ParleyClient({
  url: location.origin,
  storage: localStorage,
  ...(session && { session }),
});

export function keepSession(): void {
  if (client.session) localStorage.setItem(ITEM, JSON.stringify(client.session));
}

/** Another tab may have logged in as somebody else. */
export function forgetSession(token: string | undefined): void {
  if (readSession()?.token === token) localStorage.removeItem(ITEM);
}

function readSession(): Session | undefined {
  return JSON.parse(localStorage.getItem(ITEM) ?? 'null') ?? undefined;
}
