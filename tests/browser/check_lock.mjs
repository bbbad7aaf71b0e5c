// Fails when a package-lock.json of ours holds a package that Debian's node is too old for, or an address.

import { readFileSync } from 'node:fs';
import semver from 'semver';

const DEBIAN_NODE = '18.20.4';
const LOADED_BY_BROWSERS_ONLY = ['mpegts.js'];   // its `engines` speak of building it

const complaints = [];
for (const lock of ['package-lock.json', '../../web/package-lock.json']) {
  const text = readFileSync(new URL(lock, import.meta.url), 'utf8');
  for (const [path, { engines }] of Object.entries(JSON.parse(text).packages)) {
    const name = path.split('node_modules/').at(-1);
    const range = engines?.node;
    if (range && !semver.satisfies(DEBIAN_NODE, range) && !LOADED_BY_BROWSERS_ONLY.includes(name)) {
      complaints.push(`${lock}: ${name} wants node ${range}, Debian has ${DEBIAN_NODE}`);
    }
  }
  if (/"resolved"|https?:\/\/[^"]*\.tgz/.test(text)) {
    complaints.push(`${lock} names a registry: see .npmrc`);
  }
}
console.log(complaints.join('\n'));
process.exit(complaints.length === 0 ? 0 : 1);
