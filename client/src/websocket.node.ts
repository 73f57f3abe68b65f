/** Node.js has a WebSocket of its own from version 22 on. */
export async function loadWebSocket(): Promise<typeof WebSocket> {
  return globalThis.WebSocket ?? ((await import('ws')).WebSocket as unknown as typeof WebSocket);
}
