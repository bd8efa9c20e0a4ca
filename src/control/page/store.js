// What the page knows. Numbers that count along (idle times, waits) are as of `receivedAt`.

import { get } from './api.js';
import { History } from './history.js';

const LOG_KEPT = 400; // decisions; requests have their own list, so that they do not push decisions out
const HUES = 8;

export class Store {
  constructor() {
    this.status = null;
    this.models = [];
    this.queue = [];
    this.runs = [];
    this.receivedAt = 0;
    this.clockOffset = 0; // the server's clock minus ours, milliseconds
    this.decisions = [];
    this.requests = [];
    this.missed = 0;
    this.sequences = new Map(); // the last event of each upstream
    this.history = new History();
    this.hues = new Map();
  }

  // A colour for each model, in the order in which they were first seen.
  hue(model) {
    let hue = this.hues.get(model);
    if (hue === undefined) {
      hue = this.hues.size % HUES;
      this.hues.set(model, hue);
    }
    return hue;
  }

  // Seconds since the numbers came.
  get age() {
    return (performance.now() - this.receivedAt) / 1000;
  }

  get upstreams() {
    return this.status?.upstreams ?? [];
  }

  async refresh() {
    const [status, models] = await Promise.all([get('v1/status'), get('v1/models')]);
    // The forecast behind it costs something; who does not wait needs none.
    const queue = status.queue > 0 ? (await get('v1/queue')).waiting : [];
    this.status = status;
    this.models = models.models;
    const places = new Map(status.upstreams.map((upstream, place) => [upstream.name, place]));
    for (const model of this.models) model.key = `${places.get(model.upstream)}-${model.id}`;
    this.queue = queue;
    this.receivedAt = performance.now();
    this.clockOffset = Date.parse(status.time) - Date.now();
    for (const model of this.models) this.hue(model.name);
    this.history.adopt(this.models, Date.now());
  }

  async refreshRuns() {
    const { runs } = await get('v1/runs?limit=6');
    const shown = await Promise.all(runs.map((run) => this.runDetail(run)));
    this.runs = shown.filter(Boolean);
  }

  // Ended runs do not change: asked for once.
  async runDetail(run) {
    const known = this.runs.find((each) => each.id === run.id);
    if (known && known.status !== 'running' && run.status === known.status) return known;
    try {
      return { ...run, ...(await get(`v1/runs/${encodeURIComponent(run.id)}`)) };
    } catch (error) {
      if (error.status === 404) return null; // forgotten meanwhile
      throw error;
    }
  }

  take(events) {
    for (const event of events) {
      if (event.kind === 'missed') {
        this.missed += event.events;
        continue;
      }
      event.at = Date.parse(event.time) - this.clockOffset;
      // It counts anew: another process, which knows nothing of what the one before was doing.
      if (event.sequence <= this.sequences.get(event.upstream)) this.history.endOf(event.upstream, event.at);
      this.sequences.set(event.upstream, event.sequence);
      if (event.model) this.hue(event.model);
      this.history.add(event);
      const list = isRequest(event) ? this.requests : this.decisions;
      list.push(event);
      if (list.length > 2 * LOG_KEPT) list.splice(0, list.length - LOG_KEPT);
    }
  }

  // Newest first.
  log(withRequests, wanted, most) {
    const all = withRequests ? merge(this.decisions, this.requests) : this.decisions;
    const out = [];
    for (let i = all.length - 1; i >= 0 && out.length < most; --i) {
      if (matches(all[i], wanted)) out.push(all[i]);
    }
    return out;
  }
}

export const isRequest = (event) => event.kind === 'dispatch' || event.kind === 'finish';

function matches(event, wanted) {
  if (!wanted) return true;
  return `${event.model ?? ''} ${event.text} ${event.kind}`.toLowerCase().includes(wanted);
}

// Both are in the order of their times.
function merge(a, b) {
  const out = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (j === b.length || (i < a.length && a[i].at <= b[j].at)) out.push(a[i++]);
    else out.push(b[j++]);
  }
  return out;
}
