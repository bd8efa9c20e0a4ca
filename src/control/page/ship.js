// The hull of an upstream, seen from the side: its water line is the charge, its Plimsoll mark the budget, and each instance is
// a box on deck, as wide as its bytes.

import { age, bytes, part, plural, scaleStep, seconds, tokens } from './format.js';
import { h, setAttribute, setText, setVariable, svg, syncList } from './dom.js';

const SCALE_MARKS = 6;

const WORDS = {
  loading: 'loading', aborting: 'giving up', ready: 'ready', draining: 'finishing', unloading: 'unloading', suspect: 'stuck',
};
export const stateWord = (model) => WORDS[model.state] ?? model.state;

export function useText(model, passed) {
  if (model.state === 'loading' || model.state === 'unloading' || model.state === 'aborting') {
    return `${stateWord(model)} for ${age(model.state_seconds + passed)}`;
  }
  if (model.leases > 0) return `${model.leases} in use`;
  if (model.last_used_seconds_ago === null) return 'not used yet';
  return `idle ${age(model.last_used_seconds_ago + passed)}`;
}

function wave() {
  const path = [];
  for (let x = 0; x < 3000; x += 80) path.push(`q20 -7 40 0t40 0`);
  return svg('svg', { class: 'wave', viewBox: '0 0 3000 14', 'aria-hidden': 'true', preserveAspectRatio: 'none' },
    svg('path', { d: `M0 8${path.join('')}V14H0z` }));
}

function bridge() {
  return svg('svg', { class: 'bridge', viewBox: '0 0 84 130', 'aria-hidden': 'true' },
    svg('path', { class: 'funnel', d: 'M10 40h18v44H6z' }),
    svg('path', { class: 'band', d: 'M9 50h19v9H8z' }),
    svg('path', { class: 'house', d: 'M30 22h34l4 8v100H26V30z' }),
    svg('path', { class: 'house low', d: 'M4 84h76v46H4z' }),
    svg('path', { class: 'panes', d: 'M34 32h30v8H34zM34 50h6v6h-6zm12 0h6v6h-6zm12 0h6v6h-6zM34 66h6v6h-6zm12 0h6v6h-6zm12 0h6v6h-6zM12 96h6v6h-6zm13 0h6v6h-6zm13 0h6v6h-6zm13 0h6v6h-6zm13 0h6v6h-6z' }),
    svg('path', { class: 'mast', d: 'M47 22V4M40 10h14' }));
}

function mark() {
  return h('div', { class: 'mark', 'aria-hidden': 'true' },
    svg('svg', { viewBox: '0 0 120 60' },
      svg('circle', { cx: 60, cy: 30, r: 18 }), svg('path', { d: 'M4 30h112' }),
      svg('text', { x: 22, y: 24, 'text-anchor': 'middle' }, 'P'), svg('text', { x: 98, y: 24, 'text-anchor': 'middle' }, 'L')),
    h('span', { class: 'tag' }, h('span', { class: 'long' }, 'budget '), h('span')));
}

export function createShip() {
  const parts = {
    name: h('h2'), sub: h('p', { class: 'sub' }), health: h('span', { class: 'health' }),
    boxes: h('ul', { class: 'boxes' }), free: h('li', { class: 'free', 'aria-hidden': 'true' }, h('span')),
    scale: h('div', { class: 'scale', 'aria-hidden': 'true' }), mark: mark(),
    level: h('span', { class: 'level tag', 'aria-hidden': 'true' }, h('span'), h('span', { class: 'long' }, ' charged')),
    cards: h('ul', { class: 'gpus' }), figures: h('dl', { class: 'figures' }), rows: h('tbody'),
    why: h('p', { class: 'why', role: 'status' }),
  };
  parts.boxes.append(parts.free);
  parts.scene = h('div', { class: 'scene' },
    h('div', { class: 'stars', 'aria-hidden': 'true' }),
    h('div', { class: 'sea far', 'aria-hidden': 'true' }, wave()),
    h('div', { class: 'deck' }, bridge(), parts.boxes),
    h('div', { class: 'hull', 'aria-hidden': 'true' }, h('div', { class: 'rail' })),
    h('div', { class: 'sea near', 'aria-hidden': 'true' }, wave()),
    parts.scale, parts.mark, parts.level);
  const head = ['Model', 'State', 'Booked', 'Predicted', 'Measured', 'Context', 'In use', 'Waiting'];
  const ship = h('article', { class: 'panel ship' },
    h('div', { class: 'panel-head' }, parts.name, parts.health, parts.sub),
    parts.why, parts.scene, parts.cards, parts.figures,
    h('details', { class: 'as-table' }, h('summary', {}, 'As a table'),
      h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Instances in memory' },
        h('table', {}, h('thead', {}, h('tr', {}, head.map((each) => h('th', { scope: 'col' }, each)))), parts.rows))));
  ship.parts = parts;
  return ship;
}

function updateHead(parts, upstream) {
  setText(parts.name, upstream.name);
  const words = upstream.up ? (upstream.ready ? 'up' : 'reading what is loaded') : 'down';
  setText(parts.health, words);
  setAttribute(parts.health, 'data-state', upstream.up ? (upstream.ready ? 'up' : 'busy') : 'down');
  setText(parts.sub, [upstream.provider, upstream.version, upstream.url].filter(Boolean).join(' · '));
  const over = upstream.charged_bytes - upstream.budget_bytes;
  let why = '';
  if (!upstream.up) why = upstream.why || 'The upstream does not answer.';
  else if (over > 0) why = `Over the budget by ${bytes(over)}: nothing is loaded until the water is below the mark.`;
  setText(parts.why, why);
}

// The level of `size` in the hull, as a part of the hull's height from the light-ship line up.
function updateScale(parts, upstream, top) {
  const step = scaleStep(top, SCALE_MARKS);
  const marks = [];
  // Not where the line of the budget would go through the number.
  const isFree = (at) => Math.abs(at - upstream.budget_bytes) > top * 0.035;
  for (let at = 0; at <= top; at += step) if (isFree(at)) marks.push(at);
  syncList(parts.scale, marks, (at) => at, () => h('i', {}), (element, at) => {
    setText(element, at === 0 ? '0' : String(at / (step >= 2 ** 30 ? 2 ** 30 : 2 ** 20)));
    setVariable(element, '--at', at / top);
  });
  setVariable(parts.scene, '--charge', Math.min(1.04, upstream.charged_bytes / top));
  setVariable(parts.scene, '--budget', upstream.budget_bytes / top);
  setText(parts.mark.lastChild.lastChild, bytes(upstream.budget_bytes));
  setText(parts.level.firstChild, bytes(upstream.charged_bytes));
  setAttribute(parts.scene, 'data-over', upstream.charged_bytes > upstream.budget_bytes);
}

function createBox() {
  const box = h('li', {}, h('button', { type: 'button' },
    h('span', { class: 'fill', 'aria-hidden': 'true' }), h('b'), h('span', { class: 'size' }), h('span', { class: 'meta' }),
    h('span', { class: 'lamps', 'aria-hidden': 'true' })));
  const button = box.firstChild;
  [box.fill, box.heading, box.size, box.meta, box.lamps] = button.children;
  button.addEventListener('click', () => showCard(box.modelId));
  return box;
}

// To its card, where everything about it stands and can be done.
function showCard(id) {
  const card = document.getElementById(`card-${id}`);
  if (!card) return;
  card.scrollIntoView({ block: 'center', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  card.focus({ preventScroll: true });
}

function updateBox(box, model, store) {
  const passed = store.age;
  box.modelId = model.key;
  const expected = store.history.tracks.get(`${model.upstream}\n${model.name}`)?.open?.expected;
  const part = model.state === 'loading' && expected ? Math.min(0.98, (model.state_seconds + passed) / expected) : 0;
  setAttribute(box, 'class', `box hue-${store.hue(model.name)}`);
  setAttribute(box, 'data-state', model.state);
  setAttribute(box, 'data-foreign', model.foreign || null);
  setAttribute(box, 'data-pinned', model.pinned || null);
  setVariable(box, '--bytes', model.charge_bytes / 2 ** 20);
  setVariable(box, '--part', part.toFixed(3));
  setText(box.heading, model.name);
  setText(box.size, bytes(model.charge_bytes));
  const extra = model.foreign ? 'foreign' : `ctx ${tokens(model.num_ctx)}`;
  setText(box.meta, `${extra} · ${useText(model, passed)}`);
  setText(box.lamps, '●'.repeat(Math.min(model.leases, 8)));
  const label = [model.name, bytes(model.charge_bytes), stateWord(model), useText(model, passed),
    model.pinned && 'pinned', model.foreign && 'loaded past Plimsoll'].filter(Boolean).join(', ');
  setAttribute(box.firstChild, 'aria-label', `${label}. Show its card`);
  setAttribute(box.firstChild, 'title', label);
}

function updateCards(parts, upstream) {
  const cards = upstream.cards.map((card, number) => ({ ...card, number }));
  syncList(parts.cards, cards, (card) => card.number, () => {
    const row = h('li', {}, h('span', { class: 'name' }), h('span', { class: 'bar' }, h('i'), h('b')), h('span', { class: 'amount' }));
    return row;
  }, (row, card) => {
    const top = Math.max(card.total_bytes, card.budget_bytes, card.charged_bytes);
    setText(row.children[0], card.name || 'card');
    setVariable(row, '--charge', card.charged_bytes / top);
    setVariable(row, '--budget', card.budget_bytes / top);
    setText(row.children[2], `${bytes(card.charged_bytes)} of ${bytes(card.budget_bytes)}`);
  });
}

function updateFigures(parts, upstream) {
  const counts = upstream.counters;
  const figures = [
    ['charged', part(upstream.charged_bytes, upstream.budget_bytes)], ['free', bytes(Math.max(0, upstream.available_bytes))], ['peak', bytes(upstream.peak_bytes)],
    ['longest possible wait', upstream.bound_seconds === null ? 'unknown' : seconds(upstream.bound_seconds)],
    ['loads', counts.loads], ['evictions', counts.evictions], ['refused', counts.refused],
    ['loads over budget', counts.violations],
  ];
  syncList(parts.figures, figures, ([name]) => name, ([name]) => h('div', {}, h('dt', {}, name), h('dd')),
    (element, [, value]) => setText(element.lastChild, String(value)));
}

function updateTable(parts, models, store) {
  syncList(parts.rows, models, (model) => model.key, () => h('tr', {}, h('th', { scope: 'row' }), Array.from({ length: 7 }, () => h('td'))),
    (row, model) => {
      const cells = [model.name, stateWord(model) + (model.pinned ? ', pinned' : '') + (model.foreign ? ', foreign' : ''),
        bytes(model.charge_bytes), bytes(model.predicted_bytes), model.measured_bytes ? bytes(model.measured_bytes) : 'not yet',
        tokens(model.num_ctx), model.leases, model.waiting];
      cells.forEach((text, i) => setText(row.children[i], String(text)));
    });
}

export function updateShip(ship, upstream, models, store) {
  const { parts } = ship;
  const total = upstream.cards.reduce((sum, card) => sum + card.total_bytes, 0);
  const top = Math.max(total, upstream.budget_bytes * 1.18, upstream.charged_bytes * 1.02, 1);
  updateHead(parts, upstream);
  updateScale(parts, upstream, top);
  setAttribute(ship, 'data-down', !upstream.up || null);
  setAttribute(parts.boxes, 'aria-label',
    `${plural(models.length, 'instance')} in memory of ${upstream.name}, ${bytes(upstream.charged_bytes)} of ${bytes(upstream.budget_bytes)}`);
  syncList(parts.boxes, models, (model) => model.key, createBox, (box, model) => updateBox(box, model, store));
  const free = Math.max(0, upstream.budget_bytes - models.reduce((sum, model) => sum + model.charge_bytes, 0));
  setVariable(parts.free, '--bytes', free / 2 ** 20);
  setText(parts.free.firstChild, models.length ? `${bytes(free)} free` : `empty: ${bytes(free)} free`);
  updateCards(parts, upstream);
  updateFigures(parts, upstream);
  updateTable(parts, models, store);
}
