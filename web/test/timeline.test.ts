import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedCondition } from '../src/player/condition.ts';
import { recordedList } from '../src/player/stream_address.ts';
import { parsePins, pinWords } from '../src/pins.ts';
import { parseRecordings, type Recordings } from '../src/recordings.ts';
import { lasting, partOf, playableFrom, shareOf, ticksOf, wordsAt } from '../src/timeline_scale.ts';

const AT = Date.parse('2026-11-20T14:00:00Z');
const MINUTE = 60_000;
const time = (minutes: number) => new Date(AT + minutes * MINUTE).toISOString();

/** Ten minutes, five without a publisher, ten more. */
function found(): Recordings {
  return parseRecordings({
    items: [{ from: time(0), to: time(10), bytes: 6e6 }, { from: time(15), to: time(25), bytes: 1e6 }],
    gaps: [{ from: time(10), to: time(15), cause: 'publisher gone' }], recording: true, complete: true }, 0);
}

test('what is not a time is no recording', () => {
  const read = parseRecordings({ items: [{ from: 'x', to: time(1) }, { from: time(2), to: time(1) }, null, 7], gaps: 'no' }, 0);
  assert.deepEqual([read.items, read.gaps, read.recording, read.complete], [[], [], false, true]);
  assert.deepEqual(parseRecordings(null, 0).items, []);
});

test('every moment is recorded, or missing for a cause', () => {
  assert.equal(wordsAt(AT, found()), 'recorded');
  assert.equal(wordsAt(AT + 10 * MINUTE, found()), 'publisher gone');
  assert.equal(wordsAt(AT + 15 * MINUTE, found()), 'recorded');
  assert.equal(wordsAt(AT + 25 * MINUTE, found()), 'nothing recorded');
});

test('whoever chooses a gap begins behind it, and behind everything nowhere', () => {
  assert.equal(playableFrom(AT + 3 * MINUTE, found()), AT + 3 * MINUTE);
  assert.equal(playableFrom(AT + 12 * MINUTE, found()), AT + 15 * MINUTE);
  assert.equal(playableFrom(AT - MINUTE, found()), AT);
  assert.equal(playableFrom(AT + 25 * MINUTE, found()), null);
});

test('a part knows its bytes and what is missing of it', () => {
  assert.deepEqual(partOf({ from: AT + 5 * MINUTE, to: AT + 20 * MINUTE }, found()), { bytes: 3.5e6, missing: 5 * MINUTE });
  assert.deepEqual(partOf({ from: AT + 11 * MINUTE, to: AT + 12 * MINUTE }, found()), { bytes: 0, missing: MINUTE });
});

test('ticks are round in local time and no more than fit', () => {
  const span = { from: AT - 7000, to: AT + 60 * MINUTE - 7000 };
  assert.deepEqual(ticksOf(span, 6, 0), [0, 10, 20, 30, 40, 50].map((minutes) => AT + minutes * MINUTE));
  const half = ticksOf({ from: AT, to: AT + 24 * 60 * MINUTE }, 5, 30 * MINUTE);
  assert.ok(half.length <= 5 && half.every((at) => (at + 30 * MINUTE) % (6 * 60 * MINUTE) === 0));
});

test('a moment stands within the line, wherever it is', () => {
  const span = { from: 100, to: 200 };
  assert.deepEqual([50, 100, 150, 900].map((at) => shareOf(at, span)), [0, 0, 0.5, 1]);
});

test('how long something lasts is said in two words', () => {
  assert.deepEqual([0, 12_400, 60_000, 200_000, 7_500_000, -5].map(lasting),
                   ['0 s', '12 s', '1 min', '3 min 20 s', '2 h 5 min', '0 s']);
});

test('a list of what is long ago has an end, one of a moment ago grows into live', () => {
  const address = { root: 'http://host/', name: 'live/cam', credentials: 'token=a' };
  const now = AT + 24 * 60 * MINUTE;
  assert.deepEqual(recordedList(address, AT, now),
                   { url: 'http://host/live/cam/archive.m3u8?token=a&from=2026-11-20T14:00:00.000Z&to=2026-11-20T15:00:00.000Z',
                     to: AT + 60 * MINUTE });
  assert.equal(recordedList(address, now - MINUTE, now).to, null);
});

test('a recording says in words where it stands, whatever the stream does', () => {
  for (const player of ['idle', 'connecting', 'waiting', 'playing', 'paused', 'blocked', 'ended', 'failed'] as const) {
    const said = recordedCondition(player, '');
    assert.ok(said.title.length > 0 && !said.title.includes('Live'));
    assert.ok(player === 'playing' || said.words.length > 0, player);
  }
});

test('parts that are kept for good stand in their order, and what is none is left out', () => {
  const pins = parsePins([{ from: time(10), to: time(12) }, { from: time(2), to: time(1) }, 'x', null, { from: time(0), to: time(1) }]);
  assert.deepEqual(pins, [{ from: AT, to: AT + MINUTE }, { from: AT + 10 * MINUTE, to: AT + 12 * MINUTE }]);
  assert.match(pinWords({ from: AT, to: AT + 90_000 }), /\d\d:\d\d:00 to \d\d:\d\d:30 \(1 min 30 s\)$/);
});
