// Wires the page: what comes in, when it is drawn, and what the buttons do.

import { key, send } from './api.js';
import { updateCards } from './cards.js';
import { askForKey, confirm, LoadDialog } from './dialogs.js';
import { byId, setAttribute, setText, syncList } from './dom.js';
import { bytes, plural } from './format.js';
import { kindWord, updateLog } from './log.js';
import { updateQueue } from './queue.js';
import { updateRuns, updateUpstreams } from './runs.js';
import { createShip, updateShip } from './ship.js';
import { Store } from './store.js';
import { Stream } from './stream.js';
import { startTheme } from './theme.js';
import { Timeline } from './timeline.js';

const SOON = 250; // at least between two readings of the state
const IDLE = 2000; // where nothing happens
const RUNS = 2000;
const DRAW = 200; // between two drawings; the page stays quick however many events come
const NEWS = 1500;
const LOG = 500; // between two drawings of the decisions: most of the rows are new where many come
const TOLD = new Set(['loaded', 'unloaded', 'load_failed', 'refuse', 'upstream_up', 'upstream_down']);

const store = new Store();
const timeline = new Timeline(byId('timeline'), byId('timeline-detail'), store);
const loadDialog = new LoadDialog(store);
const page = { wanted: '', withRequests: false, news: [], newsAt: 0, readAt: 0, logAt: 0, isReading: false, isLocked: false, isStreaming: false };

const actions = {
  unload(model) {
    const waits = model.leases ? `${plural(model.leases, 'request is', 'requests are')} being answered and will be finished first.` : 'Nobody uses it now.';
    confirm({
      title: `Unload ${model.name}?`, yes: 'Unload',
      lines: [`It gives back ${bytes(model.charge_bytes)}. ${waits} Whoever asks for it again waits until it is loaded.`],
      act: () => send('POST', 'v1/models/unload', { model: model.name, upstream: model.upstream }),
      done: (result) => `${result.name} is unloaded.`,
    });
  },
  togglePin(model) {
    const body = { model: model.name, upstream: model.upstream };
    confirm({
      title: `${model.pinned ? 'Unpin' : 'Pin'} ${model.name}?`, yes: model.pinned ? 'Unpin' : 'Pin',
      lines: [model.pinned ? 'It may then be unloaded when it is idle or others need the room.'
        : `It stays in memory until it is unpinned, and its ${bytes(model.charge_bytes)} are not there for others.`],
      act: () => send('POST', `v1/models/${model.pinned ? 'unpin' : 'pin'}`, body),
      done: (result) => `${result.name} is ${result.pinned ? 'pinned' : 'not pinned any more'}.`,
    });
  },
  async cleanup() {
    await store.refresh().catch(() => {}); // what is idle now, not two seconds ago
    const idle = store.models.filter((model) => model.state === 'ready' && !model.leases && !model.waiting && !model.pinned);
    confirm({
      title: 'Unload everything that is idle?', yes: 'Clean up',
      lines: idle.length ? ['Idle now:', idle.map((model) => `${model.name}, ${bytes(model.charge_bytes)}`)] : ['Nothing is idle now.'],
      act: () => send('POST', 'v1/cleanup', {}),
      done: ({ unloaded, kept }) => `Unloaded: ${unloaded.join(', ') || 'nothing'}.` +
        (kept.length ? ` Kept: ${kept.map((each) => `${each.name} (${each.reason})`).join(', ')}.` : ''),
    });
  },
  autoUnload() {
    const turnOn = !store.status.auto_unload;
    confirm({
      title: `Turn auto-unload ${turnOn ? 'on' : 'off'}?`, yes: turnOn ? 'Turn on' : 'Turn off',
      lines: [turnOn ? 'Idle models then leave when their keep-alive has passed.' : 'Idle models then stay until others need the room.',
        'It lasts until the next restart or reload.'],
      act: () => send('PATCH', 'v1/settings', { auto_unload: turnOn }),
      done: (result) => `Auto-unload is ${result.auto_unload ? 'on' : 'off'}.`,
    });
  },
};

// `isAsked`: somebody has just asked for it.
function draw(isAsked = false) {
  if (!store.status) return;
  setText(byId('version'), store.status.version);
  setAttribute(byId('auto-unload'), 'aria-checked', String(store.status.auto_unload));
  byId('auto-unload').disabled = false;
  byId('forget-key').hidden = !key.get();
  syncList(byId('fleet'), store.upstreams, (upstream) => upstream.name, createShip,
    (ship, upstream) => updateShip(ship, upstream, store.models.filter((model) => model.upstream === upstream.name), store));
  updateQueue(byId('queue'), byId('queue-count'), store);
  updateCards(byId('models'), byId('models-count'), store, page.wanted, actions);
  if (isAsked || performance.now() - page.logAt >= LOG) {
    updateLog(byId('log'), store, page.withRequests, page.wanted);
    page.logAt = performance.now();
  }
  updateUpstreams(byId('upstreams'), store);
  timeline.draw();
}

// Events only say that there is something to draw: however many come, the page is drawn a few times a second.
let drawTimer = 0;
function drawSoon() {
  drawTimer ||= setTimeout(() => requestAnimationFrame(() => {
    drawTimer = 0;
    draw();
    tellNews();
  }), DRAW);
}

function tellNews() {
  if (!page.news.length || performance.now() - page.newsAt < NEWS) return;
  const more = page.news.length > 3 ? `, and ${page.news.length - 3} more` : '';
  setText(byId('news'), page.news.slice(0, 3).map((event) => `${kindWord(event.kind)} ${event.model ?? ''}`).join(', ') + more);
  page.news = [];
  page.newsAt = performance.now();
}

async function lock(error) {
  if (page.isLocked) return;
  page.isLocked = true;
  showState('locked');
  const isGiven = await askForKey(key.get() ? error.message : '');
  page.isLocked = false;
  if (isGiven) restart();
}

async function refresh() {
  if (page.isReading || page.isLocked) return;
  page.isReading = true;
  page.readAt = performance.now();
  try {
    await store.refresh();
    if (!page.isStreaming) {
      page.isStreaming = true;
      stream.start(store.upstreams.length);
    }
  } catch (error) {
    if (error.status === 401 || error.status === 403) lock(error);
    else if (!page.isStreaming) showState('broken', IDLE / 1000);
  } finally {
    page.isReading = false;
  }
  drawSoon();
}

let refreshTimer = 0;
function refreshSoon() {
  refreshTimer ||= setTimeout(() => {
    refreshTimer = 0;
    refresh();
  }, Math.max(0, SOON - (performance.now() - page.readAt)));
}

async function refreshRuns() {
  if (!page.isLocked && !document.hidden) {
    try {
      await store.refreshRuns();
      updateRuns(byId('runs'), store);
    } catch {
      // the state of the connection is told by the stream
    }
  }
  setTimeout(refreshRuns, RUNS);
}

const STATE_WORDS = {
  connecting: () => 'Connecting', live: () => 'Live', broken: (pause) => `No connection, again in ${pause} s`, locked: () => 'A key is needed',
};
function showState(state, pause) {
  setAttribute(byId('connection'), 'data-state', state);
  setText(byId('connection'), STATE_WORDS[state](pause));
}

const stream = new Stream({
  onState: (state, pause) => {
    showState(state, pause);
    if (state === 'live') refreshSoon();
  },
  onLocked: lock,
  onEvents: (events) => {
    store.take(events);
    for (const event of events) if (TOLD.has(event.kind)) page.news.push(event);
    refreshSoon();
    drawSoon();
  },
});

function restart() {
  page.isStreaming = false;
  refresh();
}

byId('open-load').addEventListener('click', () => loadDialog.open());
byId('open-cleanup').addEventListener('click', actions.cleanup);
byId('auto-unload').addEventListener('click', actions.autoUnload);
byId('forget-key').addEventListener('click', () => {
  key.forget();
  location.reload();
});
byId('search').addEventListener('input', (event) => {
  page.wanted = event.target.value.trim().toLowerCase();
  draw(true);
});
byId('log-requests').addEventListener('change', (event) => {
  page.withRequests = event.target.checked;
  draw(true);
});
byId('timeline-span').addEventListener('change', (event) => {
  timeline.span = Number(event.target.value) * 1000;
  timeline.draw();
});
document.addEventListener('visibilitychange', () => document.hidden || refreshSoon());
addEventListener('online', () => stream.retryNow());

startTheme(() => timeline.recolour());
refresh();
refreshRuns();
setInterval(() => {
  if (!document.hidden && performance.now() - page.readAt >= IDLE) refreshSoon();
}, IDLE / 4);
setInterval(() => document.hidden || drawSoon(), 1000); // what counts along
