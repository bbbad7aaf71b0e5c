import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Discontinuities } from '../src/discontinuities.ts';

const list = (number: number) =>
  `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1795186816\n#EXT-X-DISCONTINUITY-SEQUENCE:${number}\n#EXT-X-DISCONTINUITY\n`;

test('discontinuities are counted from the first number seen, in every rendition alike', () => {
  const seen = new Discontinuities();
  assert.equal(seen.lowered(list(1795186815)), list(0));
  assert.equal(seen.lowered(list(1795186815)), list(0));
  assert.equal(seen.lowered(list(1795186818)), list(3));
  assert.equal(seen.lowered(list(7)), list(0));
});

test('a list without the number stays as it is', () => {
  assert.equal(new Discontinuities().lowered('#EXTM3U\n'), '#EXTM3U\n');
});
