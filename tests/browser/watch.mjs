// Opens one page in one browser and prints, as one line of JSON, what was seen there.
//
//   node watch.mjs '{"browser", "program", "page", "stream", "profile", "seconds", "patience"}'
//
// `profile` is a folder of its own for the browser, which is made here; its owner removes it.
// It says `ready` when the browser runs and opens the page when a line comes in. It ends when the page's video
// has played for `seconds`, when something went wrong, or after `patience` seconds.

import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { launch } from './browsers.mjs';

const POLL_MS = 200;
const CONSOLE_LINES_MAX = 40;

/** What the page server has: the page under test and the player library, nothing else. */
function servePage(path) {
  const library = createRequire(import.meta.url).resolve('mpegts.js/dist/mpegts.js');
  const files = {
    '/': ['text/html; charset=utf-8', readFileSync(path)],
    '/mpegts.js': ['text/javascript', readFileSync(library)],
    '/favicon.ico': ['image/x-icon', Buffer.alloc(0)],
  };
  const server = createServer((request, response) => {
    const file = files[new URL(request.url, 'http://page').pathname];
    response.writeHead(file ? 200 : 404, file ? { 'Content-Type': file[0] } : {});
    response.end(file ? file[1] : undefined);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** Runs in the page: the state of its video and of its player; what page.html collects, if it is that page. */
function look() {
  const video = document.querySelector('video');
  let played = 0;
  for (let at = 0; at < video.played.length; ++at) {
    played += video.played.end(at) - video.played.start(at);
  }
  const quality = video.getVideoPlaybackQuality();
  const canvas = document.createElement('canvas');
  canvas.width = 32;
  canvas.height = 18;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const brightness = [];
  for (let at = 0; at < data.length; at += 4) {
    brightness.push(Math.round((data[at] + data[at + 1] + data[at + 2]) / 3));
  }
  const known = typeof seen === 'undefined' ? null : seen;
  return {
    origin: location.origin,
    time: video.currentTime,
    played,
    frames: quality.totalVideoFrames,
    dropped: quality.droppedVideoFrames,
    width: video.videoWidth,
    height: video.videoHeight,
    refusal: video.error && video.error.message,
    brightness,
    errors: known ? known.errors : [],
    media: (known && known.media) || player.mediaInfo,
    statistics: (known && known.statistics) || player.statisticsInfo,
  };
}

/** Looks until the task is done or `failures` has something; the last look, with the first that had a picture. */
async function watch(page, { seconds, patience }, failures) {
  const looks = [];
  for (const deadline = Date.now() + patience * 1000; Date.now() < deadline; await pause(POLL_MS)) {
    const now = await page.evaluate(look);
    looks.push(now);
    if (now.played >= seconds || now.refusal || now.errors.length > 0 || failures.length > 0) {
      break;
    }
  }
  return { ...looks.at(-1), first: looks.find((one) => one.frames > 0) ?? null };
}

async function main(task) {
  mkdirSync(task.profile);
  const server = await servePage(task.page);
  const browser = await launch(task);
  const said = [];
  const say = (line) => said.length < CONSOLE_LINES_MAX && said.push(line);
  try {
    const page = await browser.newPage();
    const failures = [];
    page.on('console', (message) => say(message.text()));
    page.on('pageerror', (error) => failures.push(String(error)));
    process.stdout.write('ready\n');
    await new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve));
    const query = task.stream ? `?stream=${encodeURIComponent(task.stream)}` : '';
    await page.goto(`http://127.0.0.1:${server.address().port}/${query}`, { waitUntil: 'domcontentloaded' });
    const report = await watch(page, task, failures);
    process.stdout.write(JSON.stringify({ ...report, failures, said }) + '\n');
  } finally {
    await browser.close();
  }
}

await main(JSON.parse(process.argv[2]));
process.exit(0);
