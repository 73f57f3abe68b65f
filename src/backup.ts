import { backUp } from './backup/back-up.js';
import { runCommand } from './backup/run-command.js';
import { loadCommandSettings } from './config/settings.js';

// `npm run backup -- <folder>` copies database and files, while the server may run.

await runCommand(() => backUp(loadCommandSettings(), process.argv[2]));
