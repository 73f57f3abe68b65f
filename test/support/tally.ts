import type { Answer } from './parley.js';

/** Counts the answers with each status: `{ 200: 1, 409: 49 }`. */
export function tally(answers: Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
