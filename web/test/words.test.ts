import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialsOf, pagePath, rtmpBase, streamOf, withQuery } from '../src/address.ts';
import { diskWords, uplinkWords } from '../src/archive_part.ts';
import { Backoff } from '../src/player/backoff.ts';
import { bitrate, codecName, frameRate, seconds } from '../src/format.ts';
import { comesByWords, forwardWords, parseStreams, sourceTroubles } from '../src/api.ts';

test('codec strings and codec names become what people say', () => {
  for (const [codec, name] of [['avc1.64001f', 'H.264'], ['h264', 'H.264'], ['hev1.1.6.L93', 'H.265'],
                               ['av01.0.05M.08', 'AV1'], ['mp4a.40.2', 'AAC'], ['mp4a.6b', 'MP3'],
                               ['opus', 'Opus'], ['<b>', '<b>']] as const) {
    assert.equal(codecName(codec), name);
  }
});

test('figures are short', () => {
  assert.deepEqual([0, 64_000, 999_999, 2_540_000, 12_000_000].map(bitrate),
                   ['–', '64 kbit/s', '1.0 Mbit/s', '2.5 Mbit/s', '12 Mbit/s']);
  assert.deepEqual([0.1234, -1, 1.25, NaN].map(seconds), ['123 ms', '0 ms', '1.3 s', '–']);
  assert.deepEqual([29.97003, 25, 0, 0.5].map(frameRate), ['30 fps', '25 fps', '', '0.5 fps']);
});

test('only credentials go on to the media', () => {
  assert.equal(credentialsOf('?token=a%26b&x=1&pass=p'), 'token=a%26b&pass=p');
  assert.equal(withQuery('/a.mp4', '', 'tracks=video'), '/a.mp4?tracks=video');
  assert.equal(withQuery('/a.mp4', ''), '/a.mp4');
});

test('a path names a stream, and a strange name stays one path', () => {
  assert.equal(streamOf('/live/cam'), 'live/cam');
  assert.equal(streamOf('/'), '');
  assert.equal(pagePath('live/cam'), '/live/cam');
  assert.equal(pagePath('"><img src=x>'), '/%22%3E%3Cimg%20src%3Dx%3E');
  assert.equal(pagePath('//evil.example'), '/evil.example');
});

test('row 0.4: behind a path of a proxy, a stream keeps its name', () => {
  assert.equal(streamOf('/video/live/cam', '/video/'), 'live/cam');
  assert.equal(pagePath('live/cam', '/video/'), '/video/live/cam');
});

test('the usual RTMP port is left out', () => {
  assert.equal(rtmpBase('host', 1935), 'rtmp://host');
  assert.equal(rtmpBase('[::1]', 2000), 'rtmp://[::1]:2000');
});

test('waits double up to eight seconds and start again after a success', () => {
  const backoff = new Backoff();
  assert.deepEqual([0, 0, 0, 0, 0, 0].map((chance) => backoff.next(chance)), [0.5, 1, 2, 4, 8, 8]);
  backoff.succeeded();
  assert.equal(backoff.next(1), 0.625);
});

test('a list of streams is read; what is missing or of another kind does not break it', () => {
  const [full, bare, ...rest] = parseStreams({ items: [
    { name: 'live/cam', state: 'live', payload_bps: { '1s': 1e6, '10s': 2e6 }, gop_seconds: 2, viewers: { flv: 2, rtmp: 1 },
      source: { protocol: 'rtmp', peer: '<script>' }, verdicts: [{ code: 'x', text: 'slow' }, 'old', 7, {}],
      tracks: [{ kind: 'video', codec: 'h264', codec_string: 'avc1.64001f', width: 1280, height: 720,
                 fps: { received: { '1s': 24, '10s': 25 } }, slice_qp: { average: 22.5, min: 20, max: 30 } },
               { kind: 'audio', codec: 'aac', sample_rate: 48000, channels: 2 }] },
    { name: '<img src=x>', state: 'dancing', tracks: 'none', viewers: [] }, null, 7, {}] });
  assert.equal(rest.length, 0);
  assert.equal(full?.viewers, 3);
  assert.deepEqual(full?.verdicts, ['slow']);
  assert.deepEqual([full?.bitrate, full?.tracks[0]?.fps, full?.tracks[0]?.codedQp], [2e6, 25, NaN]);
  assert.deepEqual(full?.tracks[0]?.sliceQp, { average: 22.5, min: 20, max: 30 });
  assert.equal(full?.tracks.length, 2);
  assert.deepEqual([bare?.name, bare?.state, bare?.tracks.length], ['<img src=x>', 'offline', 0]);
  assert.deepEqual(parseStreams('no'), []);
});

test('sources say why they do not deliver, and which one stands in', () => {
  const troubles = (...sources: unknown[]) => sourceTroubles(parseStreams({ items: [{ name: 'a', sources }] })[0]!);
  const live = { source: 'test:', state: 'live', publishes: true, reason: '' };
  const stale = { state: 'stale', publishes: false, reason: 'nobody answers' };
  const spare = { state: 'waiting', publishes: false, reason: 'not needed: a source before it delivers' };
  assert.deepEqual(troubles(), []);
  assert.deepEqual(troubles(live, spare), []);
  assert.deepEqual(troubles({ ...spare, reason: 'nobody watches' }), []);
  assert.deepEqual(troubles(stale), ['The source: nobody answers.']);
  assert.deepEqual(troubles(stale, live), ['Source 1: nobody answers.', 'Source 2 of 2 stands in.']);
  assert.deepEqual(troubles(stale, { ...stale, reason: 'connecting' }), ['Source 1: nobody answers.', 'Source 2: connecting.']);
});

test('each destination of a stream is said with how it fares', () => {
  const words = (...forwards: unknown[]) => forwardWords(parseStreams({ items: [{ name: 'a', forwards }] })[0]!);
  assert.deepEqual(words(), []);
  assert.deepEqual(words({ to: 'tcp://h:1', state: 'live', bytes: 7 }, { to: 'rtmp://h/live/***', state: 'broken', reason: 'nobody listens' }),
                   ['Pushed to tcp://h:1.', 'Not pushed to rtmp://h/live/***: nobody listens.']);
  const link = { round_trip_seconds: 0.0423, loss: 0.031, queue_bytes: 11_900, parity: 0.1, recovered: 5, pacing_bps: 2_500_000,
                 resends: { overtaken: 3, timer: 1, copies: 9 } };
  const figures = 'round trip 42 ms, 3.1 % lost, 4 resends, 5 made up by parity (10 % sent), paced at 2.5 Mbit/s, 12 kB wait';
  assert.deepEqual(words({ to: 'kcp://h/a', state: 'live', link }),
                   [`Pushed to kcp://h/a: ${figures}.`]);
  assert.equal(comesByWords([{}, { link }]), `Comes by a link, here: ${figures}.`);
  assert.equal(comesByWords([{ protocol: 'rtmp' }]), null);
});

test('row 0.34: a box says what its disk holds, what is unsent and since when, and how its link is', () => {
  const keep = { days: 7, gigabytes: 100 };
  const archive = { bytes: 1_240_000_000, free_bytes: 340_000_000, full: false, unsent_lost_files: 0 };
  assert.equal(diskWords(archive, keep), 'Recordings take 1.2 GB; 340 MB are free; kept for 7 days, up to 100 GB.');
  assert.equal(diskWords({ ...archive, full: true, unsent_lost_files: 1 }, {}),
               'Recordings take 1.2 GB; the disk is full: nothing more is recorded; kept until the disk is nearly full. ' +
               '1 file went before the server had them.');
  assert.equal(diskWords(null, keep), 'This node keeps no recordings.');
  const since = new Date(2026, 10, 22, 14, 5, 2).getTime();
  const uplink = { state: 'live', reason: '', fragments: 0, bytes: 0, since: null, rate: 8e6 };
  assert.equal(uplinkWords(uplink), 'The server has all of it; the archive’s link is up and may send 8.0 Mbit/s.');
  assert.match(uplinkWords({ ...uplink, state: 'broken', reason: 'nobody answers', fragments: 3, bytes: 2e6, since }),
               /^2 MB are not at the server yet, recorded since .*2026.* 14:05:02; the archive’s link is not up: nobody answers\.$/);
  const waits = { ...uplink, fragments: 1, bytes: 2e6, since };
  assert.match(uplinkWords(waits, since + 3000), /^The server has all but the last seconds; the archive’s link is up/);
  assert.match(uplinkWords(waits, since + 30_000), /^2 MB are not at the server yet/);
});
