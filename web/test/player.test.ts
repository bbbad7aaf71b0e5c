import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CaptureMap } from '../src/player/capture_map.ts';
import { ClockOffset, parseClock } from '../src/player/clock_offset.ts';
import { bestWay, formatOf, isSound, surfaceOf, type Way } from '../src/player/formats.ts';
import { SoundSwitch } from '../src/player/sound_switch.ts';
import { Standstill } from '../src/player/standstill.ts';
import { addressOf, mediaUrl, socketUrl } from '../src/player/stream_address.ts';
import { trendPath } from '../src/trend.ts';

/** A box of MP4 from 32-bit words, strings of four letters and other boxes. */
function box(type: string, ...parts: readonly (number | Uint8Array)[]): Uint8Array {
  const bodies = parts.map((one) => (typeof one === 'number' ? word(one) : one));
  const size = bodies.reduce((sum, one) => sum + one.length, 8);
  return join([word(size), new TextEncoder().encode(type), ...bodies]);
}

function word(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((one) => [...one]));
}

function track(id: number, scale: number): Uint8Array {
  return box('trak', box('tkhd', 0, 0, 0, id), box('mdia', box('mdhd', 0, 0, 0, scale)));
}

const INIT = join([box('ftyp', 0, 0, 0, 0), box('moov', box('mvhd', 0), track(1, 90000), track(2, 48000))]);
const EPOCH = 2_208_988_800;

function time(trackId: number, utcSeconds: number, units: number, flags = 24): Uint8Array {
  return join([box('prft', (1 << 24) | flags, trackId, utcSeconds + EPOCH, 0x80000000, 0, units), box('moof')]);
}

test('a picture’s capture time follows from the last one said before it', () => {
  const map = new CaptureMap();
  map.read(INIT);
  assert.equal(map.at(1), null);
  map.read(time(1, 1000, 90000));
  map.read(time(1, 1001, 180000));
  assert.deepEqual(map.at(1.25), { utc: 1_000_750, origin: 'capture' });
  assert.deepEqual(map.at(2.04), { utc: 1_001_540, origin: 'capture' });
  assert.equal(map.at(60), null, 'too long ago to be believed');
});

test('whose word a capture time is comes with it, by the flags of the box', () => {
  for (const [flags, origin] of [[24, 'capture'], [0, 'sender'], [8, 'arrival'], [1, 'arrival']] as const) {
    const map = new CaptureMap();
    map.read(INIT);
    map.read(time(2, 7, 48000, flags));
    assert.equal(map.at(1)?.origin, origin);
  }
});

test('a new beginning forgets the times before it; broken boxes and unknown tracks say nothing', () => {
  const map = new CaptureMap();
  map.read(INIT);
  map.read(time(1, 1000, 90000));
  map.read(INIT);
  assert.equal(map.at(1), null);
  map.read(time(9, 1000, 90000));
  map.read(new Uint8Array(100));
  for (let size = 0; size < INIT.length; ++size) {
    map.read(INIT.subarray(0, size));
  }
  map.read(box('moov', new Uint8Array([0, 0, 0, 3]), new Uint8Array(40)));
  assert.equal(map.at(1), null);
});

test('of eight exchanges of clocks the quickest counts, and half its time is the uncertainty', () => {
  const clock = new ClockOffset();
  assert.equal(clock.best(0), null);
  clock.add({ sent: 1000, received: 6020, answered: 6021, heard: 1041 });      // 40 on the way, 5000 ahead
  assert.deepEqual(clock.best(1041), { offset: 5000, uncertainty: 20 });
  clock.add({ sent: 2000, received: 7100, answered: 7100, heard: 2104 });      // one way took longer
  clock.add({ sent: 3000, received: 8001, answered: 8001, heard: 3002 });
  const best = clock.best(3002);
  assert.deepEqual(best, { offset: 5000, uncertainty: 1 });
  for (let at = 0; at < 8; ++at) {
    clock.add({ sent: 4000, received: 9010, answered: 9010, heard: 4020 });
  }
  assert.equal(clock.best(4020)?.uncertainty, 10, 'the good one is too old');
  assert.ok((clock.best(104_020)?.uncertainty ?? 0) > 14, 'clocks drift');
});

test('an answer before its question is not believed', () => {
  const clock = new ClockOffset();
  clock.add({ sent: 10, received: 20, answered: 30, heard: 15 });
  clock.add({ sent: 10, received: 30, answered: 20, heard: 40 });
  clock.add({ sent: NaN, received: 30, answered: 30, heard: 40 });
  assert.equal(clock.best(0), null);
});

test('only the node’s whole answer is an exchange', () => {
  assert.deepEqual(parseClock({ t: 'clock', c: 1, r: 2, s: 3 }, 4), { sent: 1, received: 2, answered: 3, heard: 4 });
  for (const said of [null, 'clock', { t: 'clock' }, { t: 'clock', c: '1', r: 2, s: 3 }, { c: 1, r: 2, s: 3 }]) {
    assert.equal(parseClock(said, 4), null);
  }
});

test('what plays where: by what the browser has, the stream holds, and what has failed', () => {
  const video = [{ kind: 'video', codec: 'avc1.64001f', width: 0, height: 0 }] as const;
  const sound = [{ kind: 'audio', codec: 'mp4a.40.2', width: 0, height: 0 }] as const;
  const jpeg = [{ kind: 'video', codec: 'mjpeg', width: 0, height: 0 }] as const;
  const usual = { mediaSource: true, nativeHls: false };
  const phone = { mediaSource: false, nativeHls: true };
  const none = new Set<Way>();
  assert.equal(bestWay(video, usual, none), 'mse');
  assert.equal(bestWay([], usual, none), 'mse');
  assert.equal(bestWay(video, usual, new Set<Way>(['mse'])), 'hls');
  assert.equal(bestWay(video, usual, new Set<Way>(['mse', 'hls'])), 'mjpeg');
  assert.equal(bestWay(sound, usual, new Set<Way>(['mse', 'hls'])), null);
  assert.equal(bestWay(video, phone, none), 'native');
  assert.equal(bestWay(jpeg, usual, none), 'mjpeg');
  assert.equal(bestWay(jpeg, usual, new Set<Way>(['mjpeg'])), null);
  assert.deepEqual([surfaceOf('mse', video), surfaceOf('hls', sound), surfaceOf('mjpeg', sound)],
                   ['video', 'audio', 'canvas']);
  assert.deepEqual(['mse', 'native', 'auto', 'vp9', null].map(formatOf), ['mse', 'native', 'auto', 'auto', 'auto']);
  assert.ok(!isSound([]));
});

test('what src means: a stream of the script’s node, or of the node it names', () => {
  const root = new URL('https://node.example/video/');
  const table = [
    ['/live/cam', 'https://node.example/video/', 'live/cam', ''],
    ['live/cam', 'https://node.example/video/', 'live/cam', ''],
    ['//evil.example/x', 'https://node.example/video/', 'evil.example/x', ''],
    ['live/cam?token=a%26b&x=1', 'https://node.example/video/', 'live/cam', 'token=a%26b'],
    ['https://node.example/video/live/cam', 'https://node.example/video/', 'live/cam', ''],
    ['http://other:8080/live/cam', 'http://other:8080/', 'live/cam', ''],
  ] as const;
  for (const [src, from, name, credentials] of table) {
    assert.deepEqual(addressOf(src, root), { root: from, name, credentials }, src);
  }
  for (const src of ['', '/', 'javascript:alert(1)', 'data:text/html,x', 'http://']) {
    assert.equal(addressOf(src, root), null, src);
  }
});

test('addresses of a stream carry its credentials, and WebSockets its scheme', () => {
  const address = { root: 'https://node.example/video/', name: 'live/cam', credentials: 'token=t' };
  assert.equal(mediaUrl(address, '/index.m3u8'), 'https://node.example/video/live/cam/index.m3u8?token=t');
  assert.equal(socketUrl(address, '.mp4', 'tracks=video'),
               'wss://node.example/video/live/cam.mp4?token=t&tracks=video');
});

test('a curve has gaps where nothing was known', () => {
  assert.equal(trendPath([], 1), '');
  assert.equal(trendPath([NaN, NaN], 1), '');
  const path = trendPath([1, 2, NaN, 2, 2], 1);
  assert.deepEqual(path.match(/[ML]/g), ['M', 'L', 'M', 'L']);
  assert.ok(path.endsWith('L240.0 5.2'), path);
});

test('sound that a browser switches on by itself, where there is none, is off again', () => {
  const sound = new SoundSwitch(true);
  const media = { muted: true, audioTracks: { length: 0 } };
  media.muted = false;
  assert.equal(sound.heard(media), false);
  assert.equal(media.muted, true);
  assert.equal(sound.heard(media), true, 'of its own change');
  sound.set(media, false);
  assert.equal(sound.heard(media), true);
  assert.equal(media.muted, false, 'somebody wants to hear what comes');
});

test('sound that is in the stream is switched by the browser’s own controls, too', () => {
  for (const media of [{ muted: true, audioTracks: { length: 1 } }, { muted: true }]) {
    const sound = new SoundSwitch(true);
    media.muted = false;
    assert.equal(sound.heard(media), true);
    assert.equal(media.muted, false);
  }
});

test('who stands with media ahead is moved on, again and again, and nobody else', () => {
  const standstill = new Standstill();
  assert.deepEqual([0, 1, 1.5, 2, 3].map((now) => standstill.seen(0.06, 4, now)), [false, false, true, false, true]);
  assert.deepEqual([4, 5, 6].map((now) => standstill.seen(now, 4, now)), [false, false, false], 'it moves');
  assert.deepEqual([7, 8, 9].map((now) => standstill.seen(6, 0.2, now)), [false, false, false], 'there is nothing');
  assert.deepEqual([10, 11, 12].map((now) => standstill.seen(6, 4, now)), [false, true, false]);
});
