// What the dashboard remembers for its timeline, by times of our own. Run by dashboard_states_test.py.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from '../../../src/control/page/history.js';
import { bytes, part, seconds } from '../../../src/control/page/format.js';

const MODEL = 'llama3.1:8b';
const event = (at, kind, more) => ({ at, kind, upstream: 'ollama', model: MODEL, text: 'because', ...more });
const listed = (more) => ({ upstream: 'ollama', name: MODEL, state: 'ready', leases: 0, loaded_seconds_ago: 50, ...more });
const track = (history) => history.track('ollama', MODEL);

function played(...events) {
  const history = new History();
  for (const each of events) history.add(each);
  return history;
}

test('a life of a model is three spans', () => {
  const history = played(event(1000, 'load', { expected_seconds: 4 }), event(5000, 'loaded'), event(9000, 'unload'), event(9500, 'unloaded'));
  assert.deepEqual(track(history).residence.map(({ from, to, state }) => [from, to, state]),
    [[1000, 5000, 'loading'], [5000, 9000, 'ready'], [9000, 9500, 'unloading']]);
  assert.equal(track(history).decisions.length, 2);
});

test('a list that is late does not bring a model back', () => {
  const history = played(event(1000, 'loaded'), event(9000, 'unload'), event(9500, 'unloaded'));
  history.adopt([listed()], 9700);
  assert.equal(track(history).open, null);
  history.adopt([listed({ loaded_seconds_ago: 2 })], 20000); // it is really there, though nobody said so
  assert.equal(track(history).open.from, 18000);
});

test('what is in memory when the page comes is shown since it was loaded', () => {
  const history = played();
  history.adopt([listed()], 100_000);
  assert.equal(track(history).open.from, 50_000);
  history.adopt([], 101_000);
  assert.equal(track(history).open, null);
});

test('requests side by side have lanes of their own', () => {
  const history = played(event(1000, 'dispatch', { request: 'a', waited_seconds: 0 }), event(1100, 'dispatch', { request: 'b', waited_seconds: 0.05 }),
    event(2000, 'finish', { request: 'a' }), event(2100, 'dispatch', { request: 'c', waited_seconds: 0 }));
  assert.deepEqual(track(history).requests.map(({ lane }) => lane), [0, 1, 0]);
  assert.deepEqual(track(history).requests.map(({ to }) => to), [2000, null, null]);
});

test('a request whose end was missed does not go on for ever', () => {
  const history = played(event(1000, 'dispatch', { request: 'a', waited_seconds: 0 }));
  history.adopt([listed({ leases: 1 })], 60_000);
  assert.equal(track(history).requests[0].to, null);
  history.adopt([listed()], 3000); // its end may be on its way
  assert.equal(track(history).requests[0].to, null);
  history.adopt([listed()], 60_000);
  assert.equal(track(history).requests[0].to, 60_000);
});

test('an upstream that went down ends what it did', () => {
  const history = played(event(1000, 'loaded'), event(1500, 'dispatch', { request: 'a', waited_seconds: 0 }), event(2000, 'upstream_down', { model: undefined }));
  assert.equal(track(history).open, null);
  assert.equal(track(history).requests[0].to, 2000);
});

test('it is bounded, and counts what it does not keep', () => {
  const history = new History();
  for (let i = 0; i < 5000; ++i) {
    history.add(event(i, 'dispatch', { request: String(i), waited_seconds: 0 }));
    history.add(event(i, 'finish', { request: String(i) }));
  }
  for (let i = 0; i < 500; ++i) history.add({ ...event(i, 'refuse'), model: `made-up-${i}` });
  history.forget(5000);
  assert.ok(track(history).requests.length <= 600);
  assert.equal([...track(history).counts.values()].reduce((sum, each) => sum + each, 0), 5000);
  assert.ok(history.tracks.size <= 40);
  history.forget(5000 + 16 * 60_000);
  assert.equal(history.tracks.size, 0);
});

test('numbers as people read them', () => {
  assert.deepEqual([0, 512 * 2 ** 20, 6.25 * 2 ** 30, -(2 ** 30)].map(bytes), ['0 B', '512 MiB', '6.3 GiB', '-1.0 GiB']);
  assert.equal(part(13.5 * 2 ** 30, 22 * 2 ** 30), '13.5 of 22.0 GiB');
  assert.equal(part(512 * 2 ** 20, 22 * 2 ** 30), '512 MiB of 22.0 GiB');
  assert.deepEqual([0, 0.25, 9.94, 59, 61, 3600, 3725, null].map(seconds), ['0 s', '250 ms', '9.9 s', '59 s', '1 m 1 s', '1 h', '1 h 2 m', 'unknown']);
});
