import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEAD_BAND, Lowest, RATE_MAX, TARGET_MAX, TARGET_MIN, TARGET_MIN_SOUND, Target, ahead, chase, trim,
} from '../src/player/live_edge.ts';

const near = { ranges: [{ start: 0, end: 10 }], time: 9.9, muted: true, rate: 1, target: 0.1 };

test('at the target nothing is done', () => {
  assert.deepEqual(chase(near), { rate: 1 });
});

test('the dead band is at least 40 ms wide', () => {
  assert.ok(DEAD_BAND >= 0.04);
  assert.deepEqual(chase({ ...near, time: 9.9 - 0.04 }), { rate: 1 });
});

test('beyond the dead band a muted player speeds up, never past 1.05', () => {
  for (let late = 0.07; late < 0.5; late += 0.01) {
    const { rate, seekTo } = chase({ ...near, time: 9.9 - late });
    assert.ok(rate > 1 && rate <= RATE_MAX, `${late} s late: ${rate}`);
    assert.equal(seekTo, undefined);
  }
});

test('a chase goes on to the target and ends there', () => {
  assert.ok(chase({ ...near, time: 9.88, rate: 1.02 }).rate > 1);
  assert.deepEqual(chase({ ...near, time: 9.91, rate: 1.02 }), { rate: 1 });
});

test('with sound the speed stays 1', () => {
  assert.deepEqual(chase({ ...near, time: 9.5, muted: false, rate: 1.02 }), { rate: 1 });
});

test('more than 500 ms late is one seek, with sound or without', () => {
  for (const muted of [true, false]) {
    assert.deepEqual(chase({ ...near, time: 9.3, muted }), { rate: 1, seekTo: 9.9 });
  }
});

test('a gap is jumped over, and so is the time before the first picture', () => {
  const ranges = [{ start: 5, end: 6 }, { start: 8, end: 8.05 }];
  assert.deepEqual(chase({ ...near, ranges, time: 6 }), { rate: 1, seekTo: 8 });
  assert.deepEqual(chase({ ...near, ranges: [{ start: 18000, end: 18001 }], time: 0 }),
                   { rate: 1, seekTo: 18000.9 });
});

test('an empty buffer asks for nothing', () => {
  assert.deepEqual(chase({ ...near, ranges: [] }), { rate: 1 });
  assert.equal(ahead([], 3), 0);
});

test('with sound its speed changes while it begins, and only then', () => {
  const late = { ...near, time: 9.7, muted: false };
  assert.deepEqual(chase(late), { rate: 1 });
  assert.deepEqual(chase({ ...late, beginning: true }), { rate: 1.05 });
  assert.deepEqual(chase({ ...late, beginning: true, time: 9.9 }), { rate: 1 });
});

test('with sound the lowest point comes to the target, and no further', () => {
  const playing = { ...near, time: 9.6, muted: false, beginning: true, target: TARGET_MIN_SOUND };
  assert.deepEqual(chase({ ...playing, lowest: 0.3 }), { rate: RATE_MAX });
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND + 0.005, rate: 1.02 }), { rate: 1.02, resampled: true });
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND, rate: 1.02 }), { rate: 1 });
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND + 0.009, rate: 1 }), { rate: 1 });
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND + 0.015, rate: 1 }), { rate: 1.02, resampled: true });
});

test('later on sound comes back slowly from what a stall or a drifting clock has left', () => {
  const playing = { ...near, time: 9.6, muted: false, target: TARGET_MIN_SOUND };
  const slower = { rate: 0.98, resampled: true };
  const faster = { rate: 1.02, resampled: true };
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND + 0.015 }), { rate: 1 });
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND + 0.03 }), faster);
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND + 0.01, rate: 1.02 }), faster);
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND, rate: 1.02 }), { rate: 1 });
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND - 0.01 }), { rate: 1 });
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND - 0.03 }), slower);
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND - 0.01, rate: 0.98 }), slower);
  assert.deepEqual(chase({ ...playing, lowest: TARGET_MIN_SOUND, rate: 0.98 }), { rate: 1 });
});

test('the lowest point is that of the last second', () => {
  const lowest = new Lowest();
  assert.equal(lowest.add(0.2, 0), 0.2);
  assert.equal(lowest.add(0.3, 0.9), 0.2);
  assert.equal(lowest.add(0.4, 1.1), 0.3);
  lowest.forget();
  assert.equal(lowest.add(0.5, 1.2), 0.5);
});

test('sound is never brought as near to the edge as pictures', () => {
  const target = new Target(0, true);
  for (let at = 0; at < 1000; ++at) {
    target.calm(at, 0.013);
  }
  assert.equal(target.seconds, TARGET_MIN_SOUND);
});

test('at most 10 s stay behind, and a cut leaves 5', () => {
  assert.equal(trim([{ start: 0, end: 10.1 }], 10), null);
  assert.deepEqual(trim([{ start: 0, end: 10.2 }], 10.1), { start: 0, end: 5.1 });
  assert.equal(trim([], 100), null);
});

test('row 3.1: an hour of media leaves a bounded buffer', () => {
  let start = 0;
  let most = 0;
  for (let time = 0; time < 3600; time += 0.04) {
    const cut = trim([{ start, end: time + 0.1 }], time);
    start = cut?.end ?? start;
    most = Math.max(most, time - start);
  }
  assert.ok(most <= 10.05, `${most} s`);
});

test('a stall moves the target away from the edge, a calm time back, within bounds', () => {
  const target = new Target(0);
  assert.equal(target.seconds, TARGET_MIN);
  for (let at = 0; at < 50; ++at) {
    target.stalled(at);
  }
  assert.equal(target.seconds, TARGET_MAX);
  for (let at = 50; at < 1000; ++at) {
    target.calm(at, 0.04);
  }
  assert.ok(Math.abs(target.seconds - 0.12) < 1e-9);
});

test('where coming nearer brings a stall, the next try comes later, and soon again after a long calm', () => {
  const target = new Target(0);
  const nearerAfter = (stall: number) => {
    target.stalled(stall);
    const far = target.seconds;
    let at = stall;
    while (target.seconds === far) {
      target.calm(++at, 0.01);
    }
    return at - stall;
  };
  assert.equal(nearerAfter(100), 20);
  assert.equal(nearerAfter(125), 40);
  assert.equal(nearerAfter(170), 80);
  assert.equal(nearerAfter(1000), 20);
});

test('slow pictures widen the target at once: three of them fit in', () => {
  const target = new Target(0);
  target.calm(1, 0.1);
  assert.ok(Math.abs(target.seconds - 0.3) < 1e-9);
});
