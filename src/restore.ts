import { restore } from './backup/restore.js';
import { runCommand } from './backup/run-command.js';
import { loadCommandSettings } from './config/settings.js';

// `npm run restore -- <folder>` puts a backup where the settings expect the data.

await runCommand(() => restore(loadCommandSettings(), process.argv[2]));
