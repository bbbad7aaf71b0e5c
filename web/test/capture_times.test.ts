import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlvTimes } from '../src/player/flv_times.ts';
import { PictureParts, type PicturePart } from '../src/player/picture_parts.ts';

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const words = (data: Uint8Array) => String.fromCharCode(...data);

function part(jpeg: string, more = ''): string {
  return `Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n${more}\r\n${jpeg}\r\n--frame\r\n`;
}

test('pictures come out whole with their times, wherever the answer is cut', () => {
  const answer = `--frame\r\n${part('one\r\n\r\n--frame', 'X-Timestamp: 1763646000.250000\r\nX-Timestamp-Origin: capture\r\n')}` +
    part('two', 'X-Timestamp: 7.5\r\n') + part('three');
  for (let size = 1; size <= answer.length; ++size) {
    const parts = new PictureParts();
    const found: PicturePart[] = [];
    for (let at = 0; at < answer.length; at += size) {
      found.push(...parts.push(bytes(answer.slice(at, at + size))));
    }
    assert.deepEqual(found.map(({ jpeg }) => words(jpeg)), ['one\r\n\r\n--frame', 'two', 'three']);
    assert.deepEqual(found.map(({ capture }) => capture),
                     [{ utc: 1763646000250, origin: 'capture' }, { utc: 7500, origin: 'arrival' }, null]);
  }
});

test('an answer that is no pictures is refused before it is kept', () => {
  for (const wrong of ['--frame\r\nContent-Length: 99999999\r\n\r\n', '--frame\r\nContent-Length: -1\r\n\r\n',
                       '--frame\r\n\r\n', 'x'.repeat(5000)]) {
    assert.throws(() => [...new PictureParts().push(bytes(wrong))]);
  }
});

/** A tag of FLV: kind, time in ms, the first bytes of its body. */
function tag(kind: number, time: number, ...body: readonly number[]): ArrayBuffer {
  const high = (time / 2 ** 24) & 255;
  return new Uint8Array([kind, 0, 0, 2, (time >> 16) & 255, (time >> 8) & 255, time & 255, high, 0, 0, 0, ...body]).buffer;
}
const cue = (dts: number, utc: number, label: string) =>
  ({ onCuePoint: { name: 'capture-time', parameters: { utc, dts, label } } });

test('what FLV shows was captured as its cue points say, counted from the first media', () => {
  const times = new FlvTimes();
  times.script(cue(9000, 1, 'capture'));      // before there is media, nobody knows where that is
  for (const headers of [tag(9, 0, 0x17, 0), tag(8, 0, 0xAF, 0), tag(18, 0, 2, 0), tag(9, 0, 0x90, 0x68)]) {
    times.tag(headers);
  }
  assert.equal(times.at(0), null);
  times.tag(tag(9, 9000, 0x17, 1));
  times.tag(tag(8, 8990, 0xAF, 1));
  times.script(cue(9500, 5000, 'sender'));
  assert.deepEqual(times.at(0.5), { utc: 5000, origin: 'sender' });
  assert.deepEqual(times.at(0.75), { utc: 5250, origin: 'sender' });
  for (const wrong of [null, {}, { onCuePoint: 7 }, cue(1, 2, 'somebody'), { onMetaData: {} }]) {
    times.script(wrong);
  }
  assert.deepEqual(times.at(0.5), { utc: 5000, origin: 'sender' });
});

test('the times of FLV tags begin anew after 49 days, those of cue points do not', () => {
  const times = new FlvTimes();
  times.tag(tag(9, 2 ** 32 - 1000, 0x91, 0x68));
  times.script(cue(2 ** 32 + 500, 5000, 'capture'));
  assert.deepEqual(times.at(1.5), { utc: 5000, origin: 'capture' });
});
