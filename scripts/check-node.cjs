// Loaded before anything else. Written for the oldest Node, whose own message would be about syntax.
var needed = require('../package.json').engines.node.match(/\d+/g).map(Number);
var found = process.versions.node.split('.').map(Number);

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  process.stderr.write(
    'Parley needs Node.js ' + needed.join('.') + ' or newer, and this is ' + process.version + '.\n',
  );
  process.exit(1);
}
