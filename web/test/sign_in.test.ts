import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSession, refusalWords } from '../src/sign_in.ts';

test('a session without a token for changes is nobody signed in', () => {
  assert.deepEqual(parseSession({ kind: 'user', user: 'boss', actions: ['play'], csrf: 'abc' }),
                   { user: 'boss', csrf: 'abc' });
  for (const body of [null, 1, [], {}, { user: 'anyone', csrf: null }, { user: '', csrf: 'abc' }, { csrf: 'abc' }]) {
    assert.equal(parseSession(body), null);
  }
});

test('people are told why they are not let in', () => {
  assert.equal(refusalWords(200, ''), '');
  assert.match(refusalWords(401, 'wrong user or password'), /do not belong together/);
  assert.match(refusalWords(429, 'x'), /Wait a minute/);
  assert.equal(refusalWords(403, 'list the name in http.hosts'), 'list the name in http.hosts');
  assert.equal(refusalWords(500, ''), 'The node answered 500.');
});
