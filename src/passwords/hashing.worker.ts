import { hashSync, verifySync } from '@node-rs/argon2';
import type { HashingCost } from '../config/settings.js';

/** What a thread is asked: the hash of a secret, or whether a stored hash is that of the secret. */
export type HashingJob = { secret: string; cost: HashingCost } | { secret: string; stored: string };

/** For each job in its order the hash or whether it matches, or why that cannot be told. */
export default function work(jobs: HashingJob[]): (string | boolean | Error)[] {
  return jobs.map((job) => {
    try {
      return 'cost' in job ? hashSync(job.secret, job.cost) : verifySync(job.stored, job.secret);
    } catch (error) {
      return error as Error;
    }
  });
}
