import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage } from '../src/messages.ts';
import { RecordedResults } from '../src/player/recorded_results.ts';
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
    assert.equal(results.captured(1_800_000_000_000 + frame * 40 - 3, null)?.pts, frame / 25);
  }
  assert.equal(results.at(0), null, 'only so many are kept');
});

test('row_0_28 the time on the timeline tells pictures apart where a list names their moment some pictures late', () => {
  const results = new Results();
  for (let frame = 0; frame < 100; ++frame) {
    results.add(said(frame));
  }
  results.add({ ...said(50), utc: 1_800_000_100_000 });      // of another run
  const late = 1_800_000_000_000 + 50 * 40 + 69;
  assert.equal(results.captured(late, null)?.pts, 51 / 25);
  assert.deepEqual(results.captured(late, 2.0003), said(50));
  assert.equal(results.captured(1_800_000_100_069, 2.0003)?.utc, 1_800_000_100_000);
  assert.equal(results.captured(1_800_000_050_000, 2.0003), null);
});

test('a result stands until the next, but not for long, and never before its picture', () => {
  const results = new Results();
  results.add(said(25));
  assert.equal(results.at(0.96), null);
  assert.equal(results.at(1.2)?.pts, 1);
  assert.equal(results.at(1.4), null);
});

test('row_0_28 recorded pictures find their results, which are asked for once and ahead', async () => {
  const asked: [number, number][] = [];
  const began = 1_800_000_000_000;
  const recorded = new RecordedResults((from, to) => {
    asked.push([from - began, to - began]);
    const frames = Array.from({ length: 1000 }, (_, frame) => said(frame));
    return Promise.resolve(frames.filter(({ utc }) => utc >= from && utc < to));
  });
  const at = async (ms: number) => {
    recorded.at(began + ms, null);
    await new Promise((done) => setTimeout(done, 0));
    return recorded.at(began + ms, null)?.pts;
  };
  for (let ms = 0; ms < 10_000; ms += 40) {
    assert.equal(await at(ms), ms / 1000);
  }
  assert.deepEqual(asked, [[0, 4000], [4000, 8000], [8000, 12_000]]);
  assert.equal(await at(30_000), 30, 'after a jump forward');
  assert.equal(await at(20_000), 20, 'and back');
  assert.equal(asked.length, 5);
});

test('recordings of a node that says nothing play without', async () => {
  let asked = 0;
  const recorded = new RecordedResults(() => {
    ++asked;
    return Promise.reject(new Error('away'));
  });
  for (let ms = 0; ms < 1000; ms += 40) {
    assert.equal(recorded.at(1_800_000_000_000 + ms, null), null);
    await new Promise((done) => setTimeout(done, 0));
  }
  assert.equal(asked, 1);
});
