// The decisions in words, newest first.

import { time } from './format.js';
import { h, setText, syncList } from './dom.js';

const SHOWN = 100;

const WORDS = {
  load: 'load', loaded: 'loaded', load_failed: 'load failed', abort: 'gave up', unload: 'unload', unloaded: 'unloaded',
  refuse: 'refused', notice: 'notice', upstream_up: 'upstream up', upstream_down: 'upstream down', dispatch: 'dispatch',
  finish: 'finished', cpu_fallback: 'on the CPU', contradiction: 'measured anew', two_forms: 'two forms',
};
const BAD = new Set(['load_failed', 'refuse', 'upstream_down', 'cpu_fallback']);

export const kindWord = (kind) => WORDS[kind] ?? kind.replaceAll('_', ' ');

function createEntry(event, store) {
  const alert = event.alert || BAD.has(event.kind);
  return h('li', { class: event.model ? `hue-${store.hue(event.model)}` : 'plain', 'data-alert': alert || null },
    h('time', { datetime: event.time }, time(event.at)),
    h('span', { class: 'kind' }, kindWord(event.kind)),
    h('p', {}, event.model ? h('b', { text: event.model }) : null, event.model ? ' ' : null, h('span', { text: event.text })));
}

export function updateLog(list, store, withRequests, wanted) {
  const shown = store.log(withRequests, wanted, SHOWN);
  syncList(list, shown, (event) => event, (event) => createEntry(event, store));
  list.note ??= h('li', { class: 'note' });
  const none = wanted ? 'No decision has that in it.' : 'No decision yet.';
  const missed = store.missed ? `${store.missed} events came too fast and were left out.` : '';
  setText(list.note, shown.length ? missed : none);
  if (list.note.textContent && list.note !== list.lastChild) list.append(list.note);
  else if (!list.note.textContent) list.note.remove();
}
