import { readdirSync, readFileSync } from 'node:fs';

/** Returns the memory of a process in MiB: the current (VmRSS), or the peak (VmHWM). */
export function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
}

/** Counts the open descriptors of a process. */
export const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
