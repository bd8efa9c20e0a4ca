// Dialogs and sentences about what was done. Nothing is done without a yes.

import { ApiError, get, key, send } from './api.js';
import { bytes, seconds, tokens } from './format.js';
import { byId, h } from './dom.js';

const PLAN_PAUSE = 250; // after the last key stroke
const NOTICE_TIME = 6000;

for (const dialog of document.querySelectorAll('dialog')) {
  dialog.querySelector('[data-close]')?.addEventListener('click', () => dialog.close());
}

export function notice(text, isError = false) {
  const element = h('div', { class: 'notice', role: isError ? 'alert' : 'status' }, h('span', { text }));
  const remove = () => element.remove();
  element.append(h('button', { type: 'button', class: 'small', onclick: remove, 'aria-label': `Dismiss: ${text}` }, 'Dismiss'));
  byId('notices').append(element);
  while (byId('notices').children.length > 4) byId('notices').firstChild.remove();
  if (!isError) setTimeout(remove, NOTICE_TIME); // an error stays until it was read
  return element;
}

function showError(id, message) {
  byId(id).textContent = message ?? '';
  byId(id).hidden = !message;
}

// Asks, does it, and stays open with the sentence of what went wrong. `lines` are texts, or lists of texts.
export function confirm({ title, lines, yes, act, done }) {
  const dialog = byId('confirm-dialog');
  const go = byId('confirm-go');
  byId('confirm-title').textContent = title;
  byId('confirm-text').replaceChildren(...lines.map((line) => (
    Array.isArray(line) ? h('ul', { class: 'bullets' }, line.map((text) => h('li', { text }))) : h('p', { text: line }))));
  go.textContent = yes;
  go.disabled = false;
  showError('confirm-error');
  dialog.querySelector('form').onsubmit = async (event) => {
    event.preventDefault();
    go.disabled = true;
    showError('confirm-error');
    try {
      const result = await act();
      dialog.close();
      notice(done(result));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showError('confirm-error', error.message);
    } finally {
      go.disabled = false;
    }
  };
  dialog.showModal();
}

const STEP_WORDS = {
  drain: (step) => `finish the answers of ${step.model}`, unload: (step) => `unload ${step.model}`, load: (step) => `load ${step.model}`,
  ready: (step) => `${step.model} is in memory`, dispatch: () => 'a request could be answered', refuse: () => 'a request would be refused',
};

function planView(plan) {
  const sizes = plan.charge_bytes ? `It takes ${bytes(plan.charge_bytes)} with a context of ${tokens(plan.num_ctx)} tokens; ` +
    `${bytes(plan.charged_bytes)} of ${bytes(plan.budget_bytes)} are charged.` : '';
  const steps = plan.steps.map((step) => h('li', {},
    h('span', { class: 'when' }, `in ${seconds(step.in_seconds)}`),
    h('span', {}, h('b', { text: (STEP_WORDS[step.what] ?? (() => step.what))(step) }), step.reason ? h('span', { class: 'muted', text: ` ${step.reason}` }) : null)));
  const head = { at_once: 'It is in memory and can answer at once.', waits: 'What would happen:', refused: 'It would be refused:',
    unknown: 'This cannot be foreseen.' }[plan.outcome];
  return [h('p', {}, h('b', { text: head })), h('ol', {}, steps), h('p', { class: 'muted', text: sizes })];
}

export class LoadDialog {
  constructor(store) {
    this.store = store;
    this.timer = 0;
    this.asked = null;
    this.dialog = byId('load-dialog');
    for (const id of ['load-model', 'load-ctx', 'load-upstream']) byId(id).addEventListener('input', () => this.replan());
    this.dialog.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.load();
    });
  }

  async open() {
    showError('load-error');
    byId('plan').replaceChildren();
    const upstreams = this.store.upstreams;
    byId('load-upstream-label').hidden = upstreams.length < 2;
    byId('load-upstream').replaceChildren(h('option', { value: '' }, 'the first that has it'),
      ...upstreams.map((upstream) => h('option', { value: upstream.name, text: upstream.name })));
    this.dialog.showModal();
    this.replan();
    try {
      const { models } = await get('../api/tags');
      const names = models.map((model) => model.name).filter((name) => !name.startsWith('chain/'));
      byId('known-models').replaceChildren(...names.map((value) => h('option', { value })));
    } catch {
      // without suggestions a name can still be typed
    }
  }

  body() {
    const body = { model: byId('load-model').value.trim() };
    if (byId('load-ctx').value) body.num_ctx = Number(byId('load-ctx').value);
    if (byId('load-upstream').value) body.upstream = byId('load-upstream').value;
    return body;
  }

  replan() {
    clearTimeout(this.timer);
    this.asked?.abort();
    byId('plan').replaceChildren();
    if (this.body().model) this.timer = setTimeout(() => this.plan(), PLAN_PAUSE);
  }

  async plan() {
    this.asked = new AbortController();
    try {
      byId('plan').replaceChildren(...planView(await send('POST', 'v1/plan', this.body(), this.asked.signal)));
    } catch (error) {
      if (error.name !== 'AbortError') byId('plan').replaceChildren(h('p', { class: 'muted', text: error.message }));
    }
  }

  // Goes on when the dialog is closed: the ship shows it, and a sentence says how it ended.
  async load() {
    const body = this.body();
    this.dialog.close();
    const pending = notice(`Loading ${body.model}`);
    try {
      const model = await send('POST', 'v1/models/load', body);
      notice(`${model.name} is in memory: ${bytes(model.charge_bytes)} booked${model.load_seconds ? `, loaded in ${seconds(model.load_seconds)}` : ''}.`);
    } catch (error) {
      notice(`${body.model} was not loaded. ${error.message}`, true);
    }
    pending.remove();
  }
}

// Resolves when a key was given. `message`: what was wrong with the one before, if there was one.
export function askForKey(message) {
  const dialog = byId('key-dialog');
  if (dialog.open) return Promise.resolve(false);
  showError('key-error', message);
  byId('key').value = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.querySelector('form').onsubmit = (event) => {
      event.preventDefault();
      key.set(byId('key').value.trim());
      byId('key').value = '';
      dialog.close();
      resolve(true);
    };
    dialog.oncancel = (event) => event.preventDefault(); // without a key there is nothing to go back to
    dialog.onclose = () => resolve(false);
  });
}
