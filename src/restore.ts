import { restore } from './backup/restore.js';
import { runCommand } from './backup/run-command.js';
import { loadSettings } from './config/settings.js';

// `npm run restore -- <folder>` puts a backup where the settings expect the data.

await runCommand(() => restore(loadSettings(), process.argv[2]));
