/** The address of a chat on the page, so that links and the browser's button "back" work. */
export const addressOf = (chat: string): string => `#/chat/${chat}`;

/** Returns the uuid of the chat that the page's address names. */
export const readAddress = (): string | undefined => /^#\/chat\/([\w-]+)$/.exec(location.hash)?.[1];

/** Shows no chat, unless another one is shown by now. */
export function leaveAddress(chat: string): void {
  if (readAddress() === chat) location.hash = '';
}
