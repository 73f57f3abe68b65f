/** Returns the length of a text as the contract counts it: an emoji outside the BMP is 1, not 2. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export function isBlank(text: string): boolean {
  return /^[\p{White_Space}\uFEFF]*$/u.test(text);
}

/** Returns whether a text has neither NUL nor lone surrogates, which databases cannot store. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/**
 * Returns the key under which two spellings of a username or an email are the same: NFKC in lower case, independent of
 * the locale. Lower-casing may undo the normalisation, so the text is normalised again.
 */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}
