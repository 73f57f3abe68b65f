import { hashSync, verifySync } from '@node-rs/argon2';
import type { HashingCost } from '../config/settings.js';

export type HashingJob = { secret: string; cost: HashingCost } | { secret: string; stored: string };

/** Returns for each job, in order, the hash, whether the hash matches, or the job's error. */
export default function runJobs(jobs: HashingJob[]): (string | boolean | Error)[] {
  return jobs.map((job) => {
    try {
      return 'cost' in job ? hashSync(job.secret, job.cost) : verifySync(job.stored, job.secret);
    } catch (error) {
      return error as Error;
    }
  });
}
