import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lacking, lengthOf, Story, type Sight } from '../src/demo_story.ts';

const WELL: Sight = { link: 'up', server: 'running', live: true, missing: 0 };

test('what the server lacks is what the box has and it has not, but for slivers and what is on its way', () => {
  const box = [{ from: 0, to: 60_000 }, { from: 70_000, to: 100_000 }];
  assert.deepEqual(lacking(box, [{ from: 0, to: 100_000 }], 100_000), []);
  assert.deepEqual(lacking(box, [{ from: 80_000, to: 94_000 }, { from: 100, to: 20_000 }, { from: 30_000, to: 60_000 }], 94_000),
                   [{ from: 20_000, to: 30_000 }, { from: 70_000, to: 80_000 }]);
  assert.equal(lengthOf(lacking(box, [], 94_000)), 84_000);
});

test('an outage is told from the cut to the filled gap', () => {
  const story = new Story();
  const told = (sight: Partial<Sight>, now: number) => story.tell({ ...WELL, ...sight }, now);
  assert.deepEqual(told({}, 0), []);
  assert.deepEqual(told({ link: 'cut', live: false }, 1000), ['The link is cut. The box records on.']);
  assert.deepEqual(told({ link: 'cut', live: false, missing: 20_000 }, 30_000), []);
  assert.deepEqual(told({ live: false, missing: 23_000 }, 31_000), ['The link is there again.']);
  assert.deepEqual(told({ missing: 23_000 }, 31_800), ['Live pictures are at the server again, 0.8 s later.']);
  assert.deepEqual(told({ missing: 9000 }, 33_000), []);
  assert.deepEqual(told({}, 35_000), ['The gap of 23 s is filled, 4.0 s later: both recordings are the same.']);
  assert.deepEqual(told({}, 36_000), []);
});

test('a killed server is told, and one that has not begun to answer has filled nothing', () => {
  const story = new Story();
  story.tell(WELL, 0);
  assert.match(story.tell({ ...WELL, server: 'killed', live: false }, 1000)[0] ?? '', /killed/);
  story.tell({ ...WELL, server: 'killed', live: false, missing: 8000 }, 9000);
  assert.deepEqual(story.tell({ ...WELL, server: 'starting', live: false, missing: 0 }, 10_000), ['The server is started again.']);
  assert.deepEqual(story.tell({ ...WELL, live: false, missing: 0 }, 11_000), []);
  assert.deepEqual(story.tell({ ...WELL, missing: 0 }, 12_000).length, 2);
});
