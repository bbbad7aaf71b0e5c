import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage } from '../src/messages.ts';
import { parseResult, Results, type Said } from '../src/player/results.ts';

const words = '{"t":"result","capture":"2027-01-15T08:00:00.040000Z","pts":1.04,"result":' +
  '{"boxes":[{"x":0.1,"y":0.2,"w":0.3,"h":0.4,"label":"ball","score":0.9},{"x":2,"y":-1,"w":9,"h":1},{"w":0},null,7]}}';

test('row_0_28 a result is read with its boxes', () => {
  const message = parseMessage(words);
  assert.ok(message?.t === 'result');
  assert.deepEqual(message.said, { pts: 1.04, utc: 1_800_000_000_040, boxes: [
    { x: 0.1, y: 0.2, w: 0.3, h: 0.4, label: 'ball', score: 0.9 },
    { x: 1, y: 0, w: 1, h: 1, label: '', score: NaN },
  ] });
});

test('what is no result is left alone, and other words than boxes are welcome', () => {
  for (const wrong of ['{"t":"result"}', '{"t":"result","capture":"x","pts":1,"result":{}}',
                       '{"t":"result","capture":"2027-01-15T08:00:00Z","pts":"1","result":{}}',
                       '{"t":"result","capture":"2027-01-15T08:00:00Z","pts":1,"result":[]}']) {
    assert.equal(parseMessage(wrong), null, wrong);
  }
  assert.deepEqual(parseResult({ capture: '2027-01-15T08:00:00Z', pts: 1, result: { person: 'no' } })?.boxes, []);
});

function said(frame: number): Said {
  return { pts: frame / 25, utc: 1_800_000_000_000 + frame * 40, boxes: [] };
}

test('row_0_28 each picture finds its own result', () => {
  const results = new Results();
  for (let frame = 0; frame < 600; ++frame) {
    results.add(said(frame));
  }
  for (let frame = 100; frame < 600; ++frame) {
    assert.equal(results.at(frame / 25 + 0.0004)?.pts, frame / 25);
    assert.equal(results.captured(1_800_000_000_000 + frame * 40 - 3)?.pts, frame / 25);
  }
  assert.equal(results.at(0), null, 'only so many are kept');
});

test('a result stands until the next, but not for long, and never before its picture', () => {
  const results = new Results();
  results.add(said(25));
  assert.equal(results.at(0.96), null);
  assert.equal(results.at(1.2)?.pts, 1);
  assert.equal(results.at(1.4), null);
});
