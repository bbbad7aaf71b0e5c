import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localTime, utcTime } from '../src/admin/access.ts';
import { problemWords } from '../src/admin/client.ts';
import { keysOf, valueOf } from '../src/admin/configuration.ts';
import { parseTold } from '../src/admin/event_feed.ts';
import { isWanted } from '../src/admin/events.ts';
import { fieldOf } from '../src/admin/form.ts';
import { grantWords } from '../src/admin/grants.ts';
import { ruleOf, sourcesOf } from '../src/admin/stream_form.ts';
import { rowsOf } from '../src/admin/streams.ts';
import { bytesWords, memberOf, patchOf, sinceWords, valueWords } from '../src/admin/words.ts';
import { parseStreams, stateToPlay } from '../src/api.ts';
import { bestColumns } from '../src/columns.ts';
import { placeOf } from '../src/place.ts';
import { inOrder, isSought } from '../src/search.ts';

const streams = parseStreams({ items: [
  { name: 'live/a', state: 'offline', on_demand: true, tracks: [] },
  { name: 'live/b', state: 'live', source: { protocol: 'rtmp' },
    tracks: [{ kind: 'video', codec: 'h264', codec_string: 'avc1.64001f', width: 1920, height: 1080 }] },
  { name: 'live/c', state: 'offline', tracks: [] },
] });

test('a refusal finds the field that it is about', () => {
  const names = ['name', 'source', 'grace', 'segment'];
  for (const [detail, field] of [
    ["changes by the API: streams.live/cam.grace: 'soon' is not a duration", 'grace'],
    ['the overlay:3:9: streams.live/cam.hls.segment: 1s to 10s', 'segment'],
    ['streams.source: the password in it is not shown here; write it again', 'source'],
    ['a name has 1 to 64 letters, digits and _ . @ ~ -', 'name'],
    ['the node is busy; try again', null],
    ['', null],
  ] as const) {
    assert.equal(fieldOf(detail, names), field, detail);
  }
});

test('a rule keeps what its form does not have, and leaves out what is empty', () => {
  const before = { source: 'test:', grace: '5s', hls: { window: 5, always: true }, later: 1 };
  const values = new Map<string, unknown>([['name', 'live/cam'], ['source', 'test:?fps=5'], ['grace', undefined],
                                           ['window', 7], ['always', undefined], ['takeover', false]]);
  assert.deepEqual(ruleOf(values, before), { source: 'test:?fps=5', takeover: false, hls: { window: 7 }, later: 1 });
  assert.deepEqual(ruleOf(new Map(), {}), {});
});

test('rules and streams stand in one list by name', () => {
  const config = { values: { streams: { 'live/*': { grace: '5s' }, 'live/b': { source: 'test:' } } },
                   overlay: { streams: { 'live/b': {} } } };
  assert.deepEqual(rowsOf(config, streams).map(({ name, stream, rule, ours }) => [name, stream !== null, rule !== null, ours]), [
    ['live/*', false, true, false], ['live/a', true, false, false], ['live/b', true, true, true], ['live/c', true, false, false]]);
  assert.deepEqual(rowsOf(null, []), []);
});

test('a key is found, changed by a patch and read as its type', () => {
  const config = { keys: [{ name: 'http.listen', type: 'ADDRESS:PORT or `off`', default: '[::]:8080', help: 'page' }],
                   values: { http: { listen: 'off' } }, origins: { 'http.listen': 'overlay' } };
  assert.deepEqual(keysOf(config), [{ name: 'http.listen', type: 'ADDRESS:PORT or off', usual: '[::]:8080', help: 'page',
                                      value: 'off', origin: 'overlay' }]);
  assert.deepEqual(patchOf('hls.window', 5), { hls: { window: 5 } });
  assert.equal(memberOf({ a: { b: 1 } }, 'a.b.c'), undefined);
  assert.deepEqual([valueOf('5', 3), valueOf('5', '3'), valueOf('x', 3)], [5, '5', 'x']);
});

test('what the API says is short in words', () => {
  assert.deepEqual([null, '', [], ['a', 'b'], { x: 1 }, true, 0].map(valueWords), ['–', '–', 'none', 'a, b', 'x 1', 'yes', '0']);
  const now = Date.parse('2027-01-01T00:00:00Z');
  assert.deepEqual(['2026-12-31T23:59:48Z', '2026-12-31T22:00:00Z', 'never'].map((one) => sinceWords(one, now)),
                   ['12 s', '2 h', '–']);
  assert.deepEqual([999, 1500, 2.5e9].map(bytesWords), ['999 B', '1.5 kB', '2.5 GB']);
  assert.deepEqual(['play:*', 'publish:live/*', 'odd'].map(grantWords), ['Watch: everything', 'Publish: live/*', 'od: odd']);
  assert.equal(problemWords(409, { detail: 'it stands in the file' }), 'it stands in the file');
  assert.equal(problemWords(502, '<html>'), 'The node answered 502.');
});

test('a time in a form is the same moment in the API', () => {
  assert.equal(utcTime(localTime('2027-01-31T12:00:00Z')), '2027-01-31T12:00:00Z');
  assert.equal(localTime('never'), '');
  assert.equal(utcTime('nonsense'), 'nonsense');
});

test('events are read with distrust and found by kind and words', () => {
  const told = parseTold('{"id":7,"at":"x","kind":"log","text":"a LINE","level":"warning"}');
  assert.deepEqual(told, { id: 7, at: 'x', kind: 'log', stream: '', text: 'a LINE', level: 'warning' });
  assert.ok(told !== null && isWanted(told, '', 'line') && isWanted(told, 'log', '') && !isWanted(told, 'viewer', ''));
  for (const wrong of ['[]', '{', 7, null, `"${'a'.repeat(70000)}"`]) {
    assert.equal(parseTold(wrong), null);
  }
});

test('a search takes words of name, codec, height and state', () => {
  const found = (words: string) => streams.filter((one) => isSought(one, words)).map(({ name }) => name);
  assert.deepEqual(found('h.264 B'), ['live/b']);
  assert.deepEqual(found('1080p'), ['live/b']);
  assert.deepEqual(found('offline'), ['live/a', 'live/c']);
  assert.deepEqual(found(''), ['live/a', 'live/b', 'live/c']);
  assert.deepEqual(inOrder(streams).map(({ name }) => name), ['live/a', 'live/b', 'live/c']);
});

test('a stream on demand starts for whoever opens it', () => {
  assert.deepEqual(streams.map(stateToPlay), ['waiting', 'live', 'offline']);
});

test('the grid fits its screen with the largest players', () => {
  for (const [tiles, width, height, columns] of [
    [1, 1900, 900, 1], [2, 1900, 900, 2], [16, 1900, 1100, 4], [16, 1900, 1000, 5], [16, 1200, 700, 4], [2, 320, 568, 1], [6, 320, 400, 1],
    [36, 1900, 1000, 7], [0, 1900, 900, 1],
  ] as const) {
    assert.equal(bestColumns(tiles, width, height), columns, `${tiles} in ${width}x${height}`);
  }
});

test('a strange hash is the list', () => {
  assert.deepEqual(['', '#', '#grid', '#manage', '#manage/users', '#manage/<b>', '#x'].map(placeOf),
                   ['', '', 'grid', 'manage', 'manage/users', '', '']);
});

test('a list of sources is lines in the form, and one line is no list', () => {
  assert.deepEqual(sourcesOf(undefined), []);
  assert.deepEqual(sourcesOf('test:'), ['test:']);
  assert.deepEqual(sourcesOf(['rtsp://a/', 'test:', 7]), ['rtsp://a/', 'test:']);
  const ruled = (source: readonly string[]) => ruleOf(new Map<string, unknown>([['source', source]]), { source: 'old:' });
  assert.deepEqual(ruled([]), {});
  assert.deepEqual(ruled(['test:']), { source: 'test:' });
  assert.deepEqual(ruled(['a:', 'b:']), { source: ['a:', 'b:'] });
});
