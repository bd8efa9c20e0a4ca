// A card for each instance: what it takes by prediction, booking and measurement, who uses it, and what can be done.

import { age, bytes, plural, seconds, tokens } from './format.js';
import { h, setAttribute, setText, setVariable, syncList } from './dom.js';
import { stateWord, useText } from './ship.js';

function facts(model, passed) {
  const expires = model.expires_in_seconds === null ? 'no' : `in ${age(model.expires_in_seconds - passed)}`;
  return [
    ['Context', model.num_ctx ? `${tokens(model.num_ctx)} tokens` : 'unknown'],
    ['In use by', plural(model.leases, 'request')],
    ['Waiting', plural(model.waiting, 'request')],
    ['Last used', model.last_used_seconds_ago === null ? 'not yet' : model.leases ? 'now' : `${age(model.last_used_seconds_ago + passed)} ago`],
    ['Loaded in', model.load_seconds === null ? 'unknown' : seconds(model.load_seconds)],
    ['Leaves by itself', model.pinned ? 'no, pinned' : expires],
  ];
}

function createCard(model, actions) {
  const card = h('li', { id: `card-${model.key}`, tabindex: -1 });
  const parts = {
    name: h('h3'), state: h('span', { class: 'state' }), where: h('p', { class: 'where' }),
    bars: h('dl', { class: 'bars' }), facts: h('dl', { class: 'facts' }),
    unload: h('button', { type: 'button', class: 'small', onclick: () => actions.unload(card.model) }, 'Unload'),
    pin: h('button', { type: 'button', class: 'small', onclick: () => actions.togglePin(card.model) }),
  };
  card.append(
    h('div', { class: 'card-head' }, h('i', { class: 'chip', 'aria-hidden': 'true' }), parts.name, parts.state), parts.where,
    parts.bars, parts.facts, h('div', { class: 'card-actions' }, parts.pin, parts.unload));
  card.parts = parts;
  return card;
}

function updateBars(parts, model) {
  const sizes = [['Predicted', model.predicted_bytes], ['Booked', model.charge_bytes], ['Measured', model.measured_bytes]];
  const most = Math.max(...sizes.map(([, size]) => size), 1);
  syncList(parts.bars, sizes, ([name]) => name, ([name]) => h('div', {}, h('dt', {}, name), h('dd', {}, h('i', { 'aria-hidden': 'true' }), h('span'))),
    (row, [, size]) => {
      setVariable(row, '--part', size / most);
      setText(row.lastChild.lastChild, size ? bytes(size) : 'not yet');
    });
}

function updateCard(card, model, store) {
  const { parts } = card;
  const passed = store.age;
  card.model = model;
  setAttribute(card, 'class', `card hue-${store.hue(model.name)}`);
  setAttribute(card, 'data-state', model.state);
  setText(parts.name, model.name);
  const flags = [model.pinned && 'pinned', model.foreign && 'foreign'].filter(Boolean);
  setText(parts.state, [stateWord(model), ...flags].join(', '));
  const many = store.upstreams.length > 1 ? `on ${model.upstream}, ` : '';
  setText(parts.where, many + useText(model, passed));
  updateBars(parts, model);
  syncList(parts.facts, facts(model, passed), ([name]) => name, ([name]) => h('div', {}, h('dt', {}, name), h('dd')),
    (row, [, text]) => setText(row.lastChild, text));
  setText(parts.pin, model.pinned ? 'Unpin' : 'Pin');
  setAttribute(parts.pin, 'aria-label', `${model.pinned ? 'Unpin' : 'Pin'} ${model.name}`);
  setAttribute(parts.unload, 'aria-label', `Unload ${model.name}`);
  const isGoing = model.state === 'unloading' || model.state === 'aborting';
  setAttribute(parts.unload, 'disabled', isGoing || null);
  setAttribute(parts.pin, 'disabled', isGoing || null);
}

export function updateCards(list, count, store, wanted, actions) {
  const shown = store.models.filter((model) => !wanted || model.name.toLowerCase().includes(wanted));
  setText(count, store.models.length === 0 ? '' : shown.length === store.models.length ? String(shown.length) : `${shown.length} of ${store.models.length}`);
  syncList(list, shown, (model) => model.key, (model) => createCard(model, actions), (card, model) => updateCard(card, model, store));
  const none = store.models.length ? 'No model in memory has that in its name.' : 'Nothing is in memory. The first request for a model loads it, or load one yourself.';
  setAttribute(list, 'data-empty', shown.length ? null : none);
}
