// Who waits, by model: how many, for how long, how long still, and why.

import { age, plural, seconds } from './format.js';
import { h, setAttribute, setText, syncList } from './dom.js';

const SHOWN = 5; // of each model; the rest is a number

function groups(queue) {
  const all = new Map();
  for (const waiting of queue) {
    const id = `${waiting.upstream}\n${waiting.model}`;
    if (!all.has(id)) all.set(id, { id, model: waiting.model, upstream: waiting.upstream, waiting: [] });
    all.get(id).waiting.push(waiting);
  }
  return [...all.values()];
}

function expected(waiting, passed) {
  if (waiting.expected_seconds === null) return 'no forecast';
  return `about ${seconds(Math.max(0, Math.round(waiting.expected_seconds - passed)))} to go`;
}

function createGroup() {
  const group = h('li', { class: 'group' },
    h('div', { class: 'group-head' }, h('i', { class: 'chip', 'aria-hidden': 'true' }), h('b', { class: 'name' }), h('span')),
    h('p', { class: 'reason' }), h('ol'), h('p', { class: 'more muted' }));
  const [head, reason, list, more] = group.children;
  Object.assign(group, { head, reason, list, more });
  return group;
}

function updateRequest(row, waiting, passed) {
  setText(row.children[0], `${waiting.position}.`);
  setText(row.children[1], waiting.client || 'unknown client');
  setText(row.children[2], `waited ${age(waiting.waited_seconds + passed)}`);
  setText(row.children[3], [waiting.priority !== 'normal' && `${waiting.priority} class`, waiting.overdue && 'overdue'].filter(Boolean).join(', '));
  setText(row.children[4], expected(waiting, passed));
}

function updateGroup(element, group, store) {
  const passed = store.age;
  setAttribute(element, 'class', `group hue-${store.hue(group.model)}`);
  setText(element.head.children[1], group.model);
  setText(element.head.children[2], plural(group.waiting.length, 'request') + (store.upstreams.length > 1 ? ` on ${group.upstream}` : ''));
  setText(element.reason, group.waiting[0].why);
  syncList(element.list, group.waiting.slice(0, SHOWN), (waiting) => waiting.id,
    () => h('li', {}, h('span', { class: 'place' }), h('span', { class: 'client name' }), h('span', { class: 'waited' }),
      h('span', { class: 'notes' }), h('span', { class: 'eta' })),
    (row, waiting) => updateRequest(row, waiting, passed));
  const rest = group.waiting.length - SHOWN;
  setText(element.more, rest > 0 ? `and ${rest} more` : '');
}

export function updateQueue(panel, count, store) {
  if (!panel.firstChild) panel.append(h('ul'), h('p', { class: 'empty' }, 'Nobody waits.'));
  const [list, empty] = panel.children;
  setText(count, store.queue.length ? String(store.queue.length) : '');
  syncList(list, groups(store.queue), (group) => group.id, createGroup, (element, group) => updateGroup(element, group, store));
  empty.hidden = store.queue.length > 0;
}
