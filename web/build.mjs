// Builds the page and writes it as C++: node build.mjs FOLDER
//
//   FOLDER/files/…           what a browser gets, by path
//   FOLDER/page_files.cpp    the same as a table of session::PageFile (src/session/page.hpp)

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { install } from './install.mjs';

install();
const { default: esbuild } = await import('esbuild');

const here = fileURLToPath(new URL('.', import.meta.url));
const out = resolve(process.argv[2] ?? `${here}dist`);
const TYPES = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml', txt: 'text/plain; charset=utf-8',
};
/** The player for pages elsewhere: the one script whose address lasts. */
const ELEMENT = 'millrace-player';
/** What has a meaning of its own in a literal: quote, backslash, question mark (trigraphs). */
const QUOTED = [34, 92, 63];
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** Scripts and styles, each below the hash of what it holds: [{ path, bytes }]. */
async function bundle() {
  const built = await esbuild.build({
    absWorkingDir: here,
    entryPoints: ['src/main.ts', `src/player/${ELEMENT}.ts`, 'src/style/main.css'],
    outdir: `${out}/files/assets`,
    entryNames: '[hash]/[name]',
    chunkNames: '[hash]/[name]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: ['es2021', 'chrome100', 'firefox100', 'safari15.4'],
    legalComments: 'eof',
    loader: { '.shadow.css': 'text' },
    write: false,
    logLevel: 'warning',
  });
  return built.outputFiles.map(({ path, contents }) => (
    { path: '/' + relative(`${out}/files`, path), bytes: Buffer.from(contents) }));
}

function fixed(name, source) {
  const bytes = readFileSync(source);
  return { path: `/assets/${hashOf(bytes)}/${name}`, bytes };
}

/** A page with `@main.js@` and the like replaced by the paths of this build. */
function page(name, assets) {
  const text = readFileSync(`${here}src/${name}`, 'utf8').replace(/@([a-z]+\.[a-z]+)@/g, (_, wanted) => {
    const found = assets.filter(({ path }) => path.endsWith(`/${wanted}`));
    if (found.length !== 1) {
      throw new Error(`${name} wants ${wanted}; there are ${found.length}`);
    }
    return `@ROOT@${found[0].path.slice(1)}`;     // the server says where the root is, from each address
  });
  return { path: `/${name}`, bytes: Buffer.from(text) };
}

/** Bytes as C++ string literals, short lines of them. */
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 64) {
    const line = [...bytes.subarray(at, at + 64)].map((byte) => {
      const plain = byte >= 32 && byte < 127 && !QUOTED.includes(byte);
      return plain ? String.fromCharCode(byte) : '\\' + byte.toString(8).padStart(3, '0');
    });
    lines.push(`    "${line.join('')}"`);
  }
  return lines.length > 0 ? lines.join('\n') : '    ""';
}

function table(files) {
  const constants = [];
  const rows = files.map(({ path, bytes }, at) => {
    const packed = path.startsWith('/assets/') ? gzipSync(bytes, { level: 9 }) : Buffer.alloc(0);
    const gzip = packed.length < bytes.length ? packed : Buffer.alloc(0);
    constants.push(`constexpr std::string_view file_${at}{\n${literal(bytes)},\n    ${bytes.length}};`);
    constants.push(`constexpr std::string_view gzip_${at}{\n${literal(gzip)},\n    ${gzip.length}};`);
    const type = TYPES[path.split('.').at(-1)];
    return `    PageFile{"${path}", "${type}", file_${at}, gzip_${at}, "${hashOf(bytes)}"},`;
  });
  return '// Made by web/build.mjs.\n#include "session/page.hpp"\n\nnamespace millrace::session {\n\n' +
    `namespace {\n\n${constants.join('\n')}\n\nconstexpr PageFile files[]{\n${rows.join('\n')}\n};\n\n}   // namespace\n\n` +
    'std::span<const PageFile> page_files() {\n    return files;\n}\n\n}   // namespace millrace::session\n';
}

/** What stands at the lasting address: it leads to the element below the hash of this build. */
function lasting(assets) {
  const { path } = assets.find((one) => one.path.endsWith(`/${ELEMENT}.js`));
  const to = `./${relative('/assets', path)}`;
  return { path: `/assets/${ELEMENT}.js`, bytes: Buffer.from(`export * from '${to}';\n`) };
}

const assets = await bundle();
assets.push(lasting(assets), fixed('icon.svg', `${here}src/icon.svg`),
            fixed('hls.js-license.txt', `${here}node_modules/hls.js/LICENSE`),
            fixed('mpegts.js-license.txt', `${here}node_modules/mpegts.js/LICENSE`));
const files = [...assets, page('list.html', assets), page('player.html', assets), page('demo.html', assets)];
rmSync(`${out}/files`, { recursive: true, force: true });
for (const { path, bytes } of files) {
  mkdirSync(dirname(`${out}/files${path}`), { recursive: true });
  writeFileSync(`${out}/files${path}`, bytes);
}
writeFileSync(`${out}/page_files.cpp`, table(files));
