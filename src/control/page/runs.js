// Runs of chains: each step with its model and what it took.

import { bytes, seconds, time } from './format.js';
import { h, setAttribute, setText, syncList } from './dom.js';

const STEPS = 24;

function createRun(run) {
  const item = h('li', { class: 'run' },
    h('div', { class: 'run-head' }, h('b', { class: 'name' }), h('span', { class: 'status' }), h('span', { class: 'muted' })),
    h('ol', { class: 'steps' }), h('p', { class: 'error' }));
  item.id = `run-${run.id}`;
  return item;
}

function stepText(step) {
  const parts = [seconds(step.seconds)];
  if (step.waited_seconds >= 0.05) parts.push(`waited ${seconds(step.waited_seconds)}`);
  if (step.load_seconds >= 0.05) parts.push(`loaded in ${seconds(step.load_seconds)}`);
  if (step.tokens) parts.push(`${step.tokens} tokens`);
  if (step.bytes) parts.push(bytes(step.bytes));
  return parts.join(' · ');
}

function updateStep(row, step, store) {
  setAttribute(row, 'class', step.model ? `hue-${store.hue(step.model)}` : 'plain');
  setAttribute(row, 'data-state', step.isNext ? 'next' : step.error ? 'failed' : 'done');
  setText(row.children[1], step.name ? `${step.step} ${step.name}` : String(step.step));
  setText(row.children[2], step.model || step.kind || '');
  setText(row.children[3], step.isNext ? 'under way' : step.error ? step.error.message : stepText(step));
}

function updateRun(item, run, store) {
  const [head, list, error] = item.children;
  setText(head.children[0], run.chain || 'unsaved chain');
  setText(head.children[1], run.status);
  setAttribute(head.children[1], 'data-state', run.status);
  const began = run.started ? time(Date.parse(run.started) - store.clockOffset) : '';
  setText(head.children[2], [began, run.seconds !== undefined && seconds(run.seconds)].filter(Boolean).join(' · '));
  const steps = (run.steps ?? []).slice(-STEPS).map((step, place) => ({ ...step, place }));
  if (run.status === 'running') steps.push({ place: 'next', isNext: true, step: steps.length ? 'next' : 'first', name: '' });
  syncList(list, steps, (step) => step.place,
    () => h('li', {}, h('i', { 'aria-hidden': 'true' }), h('span', { class: 'step' }), h('span', { class: 'name' }), h('span', { class: 'took' })),
    (row, step) => updateStep(row, step, store));
  const reason = run.error?.message ?? run.error;
  setText(error, typeof reason === 'string' ? reason : '');
}

export function updateRuns(list, store) {
  syncList(list, store.runs, (run) => run.id, createRun, (item, run) => updateRun(item, run, store));
  setAttribute(list, 'data-empty', store.runs.length ? null : 'No chain has run lately.');
}

export function updateUpstreams(list, store) {
  syncList(list, store.upstreams, (upstream) => upstream.name,
    () => h('li', { class: 'upstream' }, h('div', {}, h('b', { class: 'name' }), h('span', { class: 'health' })), h('p', { class: 'name muted' }), h('p', { class: 'error' })),
    (item, upstream) => {
      const [head, where, why] = item.children;
      setText(head.firstChild, upstream.name);
      setText(head.lastChild, upstream.up ? 'up' : 'down');
      setAttribute(head.lastChild, 'data-state', upstream.up ? 'up' : 'down');
      setText(where, [upstream.url, upstream.version && `version ${upstream.version}`, `${upstream.parallel} at a time per model`,
        `at most ${upstream.max_loaded_models} models`].filter(Boolean).join(' · '));
      setText(why, upstream.up ? '' : upstream.why ?? '');
    });
}
