import { openDatabase } from './database.js';
import { createFloor } from './server.js';

const { DATABASE_URL = '', JWT_SECRET = '' } = process.env;

const app = createFloor(openDatabase(DATABASE_URL), JWT_SECRET);
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
process.stdout.write(`Floor listens on ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
