export async function loadWebSocket(): Promise<typeof WebSocket> {
  return WebSocket;
}
