/** Returns how many edits may separate a search text from a username. */
export function maxEdits(text: string): number {
  const { length } = Array.from(text);
  if (length < 3 || length > 256) return 0;
  return length < 6 ? 1 : 2;
}

export function searchTerms(usernameKey: string): [kind: 'suffix' | 'typo', term: string][] {
  const typos = [usernameKey, ...deletions(usernameKey)];
  return [
    ...properSuffixes(usernameKey).map((term): ['suffix', string] => ['suffix', term]),
    ...typos.map((term): ['typo', string] => ['typo', term]),
  ];
}

function properSuffixes(text: string): string[] {
  const characters = Array.from(text);
  return characters.slice(1).map((_, index) => characters.slice(index + 1).join(''));
}

/** Returns all texts that result from deleting one character, each once. */
export function deletions(text: string): string[] {
  const characters = Array.from(text);
  if (characters.length < 2) return [];
  return [...new Set(characters.map((_, index) => characters.toSpliced(index, 1).join('')))];
}

/** Counts insertions, deletions, substitutions and swaps of neighbours: the optimal string alignment distance. */
export function editDistance(from: string, to: string): number {
  const a = Array.from(from);
  const b = Array.from(to);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + differs);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, beforeLast[j - 2] + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
