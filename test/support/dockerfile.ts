import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

export interface Instruction {
  name: string;
  text: string;
}

export interface Stage {
  /** Of the stage, for `COPY --from`; empty for the last one. */
  name: string;
  instructions: Instruction[];
}

/** Returns the stages of deploy/Dockerfile. It needs no more than this simple form. */
export function readDockerfile(): Stage[] {
  const text = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8')
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '');
  const stages: Stage[] = [];
  for (const [, name, rest] of text.matchAll(/^([A-Z]+) (.+)$/gm)) {
    if (name === 'FROM') stages.push({ name: / AS (\w+)$/.exec(rest)?.[1] ?? '', instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
}

/** Returns the last instruction of a name in a stage. */
export function lastInstruction({ instructions }: Stage, name: string): string {
  const found = instructions.findLast((instruction) => instruction.name === name);
  if (!found) throw new Error(`the Dockerfile has no ${name}`);
  return found.text;
}
