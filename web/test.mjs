// Builds the tests of test/ for this node and runs them: Debian's node reads no TypeScript by itself.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { install } from './install.mjs';

install();
const { default: esbuild } = await import('esbuild');

const here = fileURLToPath(new URL('.', import.meta.url));
const out = `${here}node_modules/.tests/`;
const names = readdirSync(`${here}test`).filter((name) => name.endsWith('.test.ts'));
await esbuild.build({
  entryPoints: names.map((name) => `${here}test/${name}`),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node18',
});
const built = names.map((name) => out + name.replace(/\.ts$/, '.mjs'));
process.exit(spawnSync(process.execPath, ['--test', ...built], { stdio: 'inherit' }).status ?? 1);
