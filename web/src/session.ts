import { ParleyClient, type Session, type User } from '@parley/client';

const ITEM = 'parley-session';

const kept = readSession();

/** The page's only way to the server. */
export const client = new ParleyClient({
  url: location.origin,
  storage: localStorage,
  ...(kept && { session: kept }),
});

export const store = client.store();

client.on('connection', (state) => {
  if (state === 'refused') reloadSignedOut(client.session?.token);
});

/** The user who is logged in. */
export function getUser(): User {
  if (!client.session) throw new Error('nobody is logged in');
  return client.session.user;
}

export async function logIn(username: string, password: string): Promise<void> {
  localStorage.setItem(ITEM, JSON.stringify(await client.login(username, password)));
}

export function logOut(): void {
  const token = client.session?.token;
  // Its request outlives the page. If the server cannot be reached, the token lives until it expires.
  void client.logout().catch(() => {});
  reloadSignedOut(token);
}

/** Loads the page anew, so that nothing is left of the user: no draft, no upload, no picture. */
function reloadSignedOut(token: string | undefined): void {
  // Another tab may have logged in as somebody else.
  if (readSession()?.token === token) localStorage.removeItem(ITEM);
  history.replaceState(undefined, '', location.pathname);
  location.reload();
}

function readSession(): Session | undefined {
  return JSON.parse(localStorage.getItem(ITEM) ?? 'null') ?? undefined;
}
