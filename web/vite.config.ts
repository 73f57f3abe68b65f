import { join } from 'node:path';
import { defineConfig } from 'vite';

/** Where the build has put the client, before it becomes `client/dist`. */
const { CLIENT_FOLDER = join(import.meta.dirname, '../client/dist') } = process.env;

export default defineConfig({
  base: './',
  resolve: {
    alias: {
      '@parley/client': join(CLIENT_FOLDER, 'index.js'),
      '#websocket': join(CLIENT_FOLDER, 'websocket.js'),
    },
  },
  build: {
    // The page loads no font or picture by a `data:` address, which its content security policy forbids.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
