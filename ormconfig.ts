import { loadCommandSettings } from './src/config/settings.js';
import { commandLineDataSource } from './src/database/data-source.js';

/** What TypeORM's command line works on: `npm run migration:generate`, `:run`, `:revert`. */
export default await commandLineDataSource(loadCommandSettings());
