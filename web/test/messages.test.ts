import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage, sameKinds } from '../src/messages.ts';

const tracks = '{"t":"tracks","type":"video/mp4; codecs=\\"avc1.64001f,mp4a.40.2\\"","tracks":[' +
  '{"id":0,"kind":"video","codec":"avc1.64001f","width":1280,"height":720},' +
  '{"id":1,"kind":"audio","codec":"mp4a.40.2"}]}';

test('tracks are read', () => {
  assert.deepEqual(parseMessage(tracks), {
    t: 'tracks',
    type: 'video/mp4; codecs="avc1.64001f,mp4a.40.2"',
    tracks: [
      { kind: 'video', codec: 'avc1.64001f', width: 1280, height: 720 },
      { kind: 'audio', codec: 'mp4a.40.2', width: 0, height: 0 },
    ],
  });
});

test('waiting and end are read', () => {
  assert.deepEqual(parseMessage('{"t":"waiting"}'), { t: 'waiting' });
  assert.deepEqual(parseMessage('{"t":"end","more":1}'), { t: 'end' });
});

test('what is broken, unknown or too long is left alone', () => {
  const strange = ['', '{', 'null', '[]', '7', '{"t":"news"}', '{"t":"tracks"}', '{"t":"tracks","type":7}',
                   '{"t":"tracks","type":"text/html","tracks":[]}',
                   '{"t":"tracks","type":"video/mp4; codecs=\\"a\\"; x=\\"","tracks":[]}',
                   tracks + ' '.repeat(70000)];
  for (const one of strange) {
    assert.equal(parseMessage(one), null, one.slice(0, 40));
  }
});

test('tracks of no known kind are left out, figures that are none are 0', () => {
  const said = parseMessage('{"t":"tracks","type":"video/mp4; codecs=\\"hvc1.1.6.L93\\"","tracks":' +
                            '[null,{"kind":"smell"},{"kind":"video","width":"7","height":-1}]}');
  assert.deepEqual(said?.t === 'tracks' && said.tracks,
                   [{ kind: 'video', codec: '', width: 0, height: 0 }]);
});

test('the kinds of tracks decide whether a buffer can go on', () => {
  const video = { kind: 'video', codec: 'avc1.64001f', width: 1, height: 1 } as const;
  const other = { ...video, codec: 'hvc1.1.6.L93' };
  const audio = { kind: 'audio', codec: 'opus', width: 0, height: 0 } as const;
  assert.ok(sameKinds([video, audio], [audio, other]));
  assert.ok(!sameKinds([video], [video, audio]));
});
