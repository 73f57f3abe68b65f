import { createFloor } from './server.js';
import { MysqlFloor } from './mysql.js';
import { SqliteFloor } from './sqlite.js';
import { Tokens } from './tokens.js';

const { DATABASE_URL = '', JWT_SECRET = '' } = process.env;

const database = DATABASE_URL.startsWith('sqlite:')
  ? new SqliteFloor(DATABASE_URL.slice('sqlite:'.length))
  : new MysqlFloor(DATABASE_URL);

const app = createFloor(database, new Tokens(JWT_SECRET));
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
process.stdout.write(`Floor listens on ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`);
