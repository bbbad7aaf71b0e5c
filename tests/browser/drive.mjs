// A browser that does what it is told, a line of JSON for each line: node drive.mjs '{"browser", "program", "profile"}'
//
//   {"do": "open", "url", "width"?, "answers"?, "dark"?, "before"?}
//                                                 a new page; `answers` are bodies by path, given instead of the
//                                                 server's; `width` is a phone's below 700; `before` is a script that
//                                                 runs in it ahead of its own
//   {"do": "look"}                                the state of the page's player, its text and its picture
//   {"do": "run", "script"}                       an expression's value, in the page
//   {"do": "press", "key"}                        a key
//   {"do": "tap", "at"}                           a finger, on what a selector finds
//   {"do": "screen", "width", "height", "scheme"} another screen, light or dark
//   {"do": "stamps", "count", "patience"}         the stamps of so many pictures, within so many ms (stamp.mjs)
//   {"do": "picture", "path", "whole"?}           a screenshot, of the whole page unless `whole` is false
//   {"do": "axe"}                                 what axe-core finds wrong, in lines
//   {"do": "said"}                                console lines of warnings and errors, uncaught errors, broken policies
//
// `profile` is a folder of its own for the browser, which is made here; its owner removes it.

import { mkdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { launch } from './browsers.mjs';
import { collectStamps } from './stamp.mjs';

const LINES_MAX = 100;
const AXE = new URL('node_modules/axe-core/axe.min.js', import.meta.url);
/** A picture that there is none of yet is no fault of the page: the list goes on without it. */
const isMissingPicture = (message) => /\.jpg(\?|$)/.test(message.location()?.url ?? '');
const said = [];

/** Runs in the page: of the first player on it, whose inside is a shadow root, and of the page around it. */
function look() {
  const inside = document.querySelector('millrace-player')?.shadowRoot;
  const stage = inside?.getElementById('stage');
  const media = inside?.getElementById('media') ?? null;
  const report = {
    state: stage?.dataset.state ?? null,
    title: document.title,
    text: `${stage?.innerText ?? ''}\n${document.body.innerText}`,
    markup: document.body.innerHTML,
    wide: document.documentElement.scrollWidth,
    inner: window.innerWidth,
    elements: [...document.body.querySelectorAll('script, img, iframe, b, svg')].map((one) => one.tagName),
  };
  if (media === null) {
    return report;
  }
  const canvas = document.createElement('canvas');
  canvas.width = 32;
  canvas.height = 18;
  const colours = [];
  if (media.tagName !== 'AUDIO' && media.width + (media.videoWidth ?? 0) > 0) {
    const context = canvas.getContext('2d');
    context.drawImage(media, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      colours.push([data[at], data[at + 1], data[at + 2]]);
    }
  }
  if (media.tagName === 'CANVAS') {
    return { ...report, kind: 'CANVAS', colours, width: media.width, height: media.height };
  }
  let played = 0;
  for (let at = 0; at < media.played.length; ++at) {
    played += media.played.end(at) - media.played.start(at);
  }
  const { buffered } = media;
  const quality = media.getVideoPlaybackQuality?.();
  return { ...report, kind: media.tagName, played, colours, time: media.currentTime, muted: media.muted,
           paused: media.paused, rate: media.playbackRate,
           frames: quality?.totalVideoFrames, dropped: quality?.droppedVideoFrames,
           width: media.videoWidth, height: media.videoHeight, refusal: media.error && media.error.message,
           behind: buffered.length > 0 ? media.currentTime - buffered.start(0) : 0,
           ahead: buffered.length > 0 ? buffered.end(buffered.length - 1) - media.currentTime : 0,
           sound: media.webkitAudioDecodedByteCount ?? null };
}

function listen(page) {
  const say = (line) => said.length < LINES_MAX && said.push(line);
  page.on('console', (message) => {
    if (['error', 'warn', 'warning'].includes(message.type()) && !isMissingPicture(message)) {
      say(`${message.type()}: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => say(`uncaught: ${error}`));
}

/** What axe-core finds, without the smallest of it. */
async function axe(page) {
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.filter(({ impact }) => impact !== 'minor').map(({ id, impact, help, nodes }) =>
    `${impact}: ${id}: ${help}: ${nodes.slice(0, 3).map((one) => one.html.slice(0, 160)).join(' | ')}`);
}

async function open(browser, { url, width, height, answers, dark, before }) {
  const page = await browser.newPage();
  listen(page);
  if (before) {
    await page.evaluateOnNewDocument(before);
  }
  if (width) {
    const isPhone = width < 700;
    await page.setViewport({ width, height: height ?? 640, isMobile: isPhone, hasTouch: isPhone });
  }
  if (dark !== undefined) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
  }
  if (answers) {
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      const body = answers[new URL(request.url()).pathname];
      return body === undefined ? request.continue()
                                : request.respond({ contentType: 'application/json', body });
    });
  }
  if (before) {
    await page.evaluateOnNewDocument(before);
  }
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  return page;
}

const task = JSON.parse(process.argv[2]);
mkdirSync(task.profile);
const browser = await launch(task);
const answer = (value) => process.stdout.write(JSON.stringify(value ?? null) + '\n');
let page = null;
answer('ready');
try {
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    switch (order.do) {
      case 'open':
        page = await open(browser, order);
        answer(true);
        break;
      case 'look':
        answer(await page.evaluate(look));
        break;
      case 'run':
        answer(await page.evaluate(order.script));
        break;
      case 'press':
        answer(await page.keyboard.press(order.key));
        break;
      case 'tap':
        answer(await page.tap(order.at));
        break;
      case 'screen':
        await page.setViewport({ width: order.width, height: order.height });
        if (task.browser !== 'firefox') {      // whose protocol has no word for it
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: order.scheme }]);
        }
        answer(true);
        break;
      case 'axe':
        answer(await axe(page));
        break;
      case 'stamps':
        answer(await page.evaluate(collectStamps, order));
        break;
      case 'picture':
        await page.screenshot({ path: order.path, fullPage: order.whole !== false });
        answer(true);
        break;
      case 'said':
        answer(said);
        break;
    }
  }
} finally {
  await browser.close();
}
process.exit(0);
