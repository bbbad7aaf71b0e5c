import assert from 'node:assert/strict';
import { test } from 'node:test';
import { condition, worthPlaying } from '../src/player/condition.ts';

test('row 3.28: every pair of what is known has a state in words', () => {
  const table = [
    ['unasked', 'idle', 'connecting'],
    ['live', 'idle', 'connecting'],
    ['live', 'connecting', 'connecting'],
    ['live', 'playing', 'live'],
    ['live', 'waiting', 'waiting'],
    ['stale', 'playing', 'live'],
    ['stale', 'waiting', 'stale'],
    ['offline', 'waiting', 'offline'],
    ['offline', 'ended', 'offline'],
    ['missing', 'idle', 'offline'],
    ['waiting', 'connecting', 'waiting'],
    ['closed', 'idle', 'closed'],
    ['closed', 'connecting', 'connecting'],
    ['closed', 'playing', 'live'],
    ['unreachable', 'connecting', 'connecting'],
    ['live', 'paused', 'paused'],
    ['live', 'blocked', 'blocked'],
    ['live', 'unsupported', 'unsupported'],
  ] as const;
  for (const [node, player, state] of table) {
    const said = condition(node, player, '');
    assert.equal(said.state, state, `${node}, ${player}`);
    assert.ok(said.title.length > 0);
    assert.ok(state === 'live' || said.words.length > 0);
  }
});

test('the reason of the player stands in the words', () => {
  assert.equal(condition('live', 'unsupported', 'No H.265 here.').words, 'No H.265 here.');
});

test('a player is started only for what can be seen', () => {
  assert.deepEqual((['live', 'stale', 'waiting', 'offline', 'missing', 'closed', 'unreachable', 'unasked'] as const)
    .map(worthPlaying), [true, true, true, false, false, false, false, false]);
});
