// `npm ci`, unless node_modules is what package-lock.json says: then no call is made and no network is needed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_LEAST = 18;
const here = fileURLToPath(new URL('.', import.meta.url));

export function install() {
  if (Number(process.versions.node.split('.')[0]) < NODE_LEAST) {
    console.error(`web: node ${process.versions.node} is too old, ${NODE_LEAST} or newer is needed: run tools/setup run`);
    process.exit(1);
  }
  const wanted = createHash('sha256').update(readFileSync(`${here}package-lock.json`)).digest('hex');
  const stamp = `${here}node_modules/.installed`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return;
  }
  console.log('web: npm ci (download about 18 MB, disk 75 MB)');
  const run = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: here, stdio: 'inherit' });
  if (run.status !== 0) {
    console.error('web: npm ci failed; the page is built from the packages that web/package-lock.json names');
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}
