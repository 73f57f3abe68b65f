/** Rules about Unicode text that several features share. Lengths are in code points. */

/** The length that a person would count, more or less: an emoji outside the BMP is 1, not 2. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Whether the text is empty or white space of any script alone. */
export function isBlank(text: string): boolean {
  return /^[\p{White_Space}\uFEFF]*$/u.test(text);
}

/** Neither NUL, which databases and C libraries end text at, nor half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/**
 * The form under which two spellings of a username or an email are the same: NFKC, lower case whatever
 * the locale. Normalised again, because lower-casing may undo it.
 */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}
