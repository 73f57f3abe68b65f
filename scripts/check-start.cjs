// Loaded before anything else. Written for the oldest Node, whose own message would be about syntax.
var existsSync = require('fs').existsSync;
var needed = require('../package.json').engines.node.match(/\d+/g).map(Number);
var found = process.versions.node.split('.').map(Number);
var program = process.argv[1];

function refuse(message) {
  process.stderr.write(message + '\n');
  process.exit(1);
}

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  refuse('Parley needs Node.js ' + needed.join('.') + ' or newer, and this is ' + process.version + '.');
}
if (program && !existsSync(program)) refuse('Parley is not built: run "npm run build" first.');
