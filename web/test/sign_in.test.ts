import assert from 'node:assert/strict';
import { test } from 'node:test';
import { administers, mayChange, parseSession, signedIn } from '../src/session.ts';
import { refusalWords } from '../src/sign_in.ts';

test('a session says who asks and what they may do', () => {
  const boss = parseSession({ kind: 'user', user: 'boss', actions: ['play', 'admin', 7], admin: true, csrf: 'abc' });
  assert.deepEqual(boss, { user: 'boss', csrf: 'abc', actions: ['play', 'admin'], admin: true });
  assert.ok(administers(boss) && signedIn(boss) && mayChange(boss));
  const anyone = parseSession({ kind: 'anyone', user: '', actions: ['play'], csrf: null });
  assert.deepEqual(anyone, { user: 'anyone', csrf: '', actions: ['play'], admin: false });
  assert.ok(!mayChange(anyone) && !administers(anyone) && !signedIn(anyone));
  for (const body of [null, 1, [], {}, { user: '', csrf: 'abc' }]) {
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
