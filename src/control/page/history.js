// What happened to each model lately: spans in memory, spans of requests, and decisions with their reasons. Bounded: what is
// too old or too much goes.

const KEPT = 15 * 60_000; // milliseconds
const MOST_REQUESTS = 600; // of a model; more are counted by the second
const MOST_SPANS = 400;
const MOST_MODELS = 40;
const LANES = 4;
const GRACE = 5000; // milliseconds for an event that is on its way

const DECISIONS = new Set([
  'load', 'load_failed', 'abort', 'unload', 'refuse', 'cpu_fallback', 'contradiction', 'two_forms',
]);

class Track {
  constructor(upstream, model) {
    this.upstream = upstream;
    this.model = model;
    this.residence = []; // {from, to, state: loading | ready | unloading, reason, expected}
    this.requests = []; // {from, to, since (when it came), lane, reason, words}
    this.running = new Map(); // by request id
    this.counts = new Map(); // requests dispatched in each second, for times whose spans are not kept any more
    this.lanes = Array(LANES).fill(0); // until when each is taken
    this.decisions = []; // {at, kind, text}
    this.last = 0;
  }

  get open() {
    const last = this.residence.at(-1);
    return last && last.to === null ? last : null;
  }

  close(at) {
    if (this.open) this.open.to = at;
  }

  begin(state, at, reason, expected) {
    this.close(at);
    this.residence.push({ from: at, to: null, state, reason, expected });
  }

  dispatch(event) {
    const second = Math.floor(event.at / 1000);
    this.counts.set(second, (this.counts.get(second) ?? 0) + 1);
    const since = event.at - event.waited_seconds * 1000;
    let lane = this.lanes.findIndex((until) => until <= since);
    if (lane < 0) lane = this.lanes.indexOf(Math.min(...this.lanes));
    this.lanes[lane] = Infinity;
    const span = { from: event.at, to: null, since, lane, reason: event.text, words: '' };
    this.requests.push(span);
    this.running.set(event.request, span);
  }

  finish(event) {
    const span = this.running.get(event.request);
    if (!span) return;
    this.running.delete(event.request);
    span.to = event.at;
    span.words = event.text;
    this.lanes[span.lane] = event.at;
  }

  // Of requests whose end nobody told: events were missed, or the daemon was stopped.
  endRequests(at, before) {
    for (const [id, span] of this.running) {
      if (span.from > before) continue;
      span.to = at;
      span.words = 'ended';
      this.lanes[span.lane] = at;
      this.running.delete(id);
    }
  }

  endAll(at) {
    this.endRequests(at, Infinity);
    this.close(at);
  }

  forget(before) {
    const isOld = (span) => span.to !== null && span.to < before;
    dropWhile(this.residence, isOld, MOST_SPANS);
    dropWhile(this.requests, isOld, MOST_REQUESTS);
    for (const second of this.counts.keys()) {
      if (second * 1000 >= before) break;
      this.counts.delete(second);
    }
    dropWhile(this.decisions, (each) => each.at < before, MOST_SPANS);
  }
}

function dropWhile(list, isOld, most) {
  let count = Math.max(0, list.length - most);
  while (count < list.length && isOld(list[count])) ++count;
  if (count) list.splice(0, count);
}

export class History {
  constructor() {
    this.tracks = new Map();
    this.breaks = []; // {at, kind, text}: an upstream went down or came back
  }

  track(upstream, model) {
    const id = `${upstream}\n${model}`;
    let track = this.tracks.get(id);
    if (!track) {
      track = new Track(upstream, model);
      this.tracks.set(id, track);
    }
    return track;
  }

  add(event) {
    if (event.kind === 'upstream_down' || event.kind === 'upstream_up') {
      this.breaks.push(event);
      if (event.kind === 'upstream_down' || event.restarted) this.endOf(event.upstream, event.at);
    }
    if (!event.model) return;
    const track = this.track(event.upstream, event.model);
    track.last = event.at;
    if (event.kind === 'dispatch') track.dispatch(event);
    else if (event.kind === 'finish') track.finish(event);
    else if (event.kind === 'load') track.begin('loading', event.at, event.text, event.expected_seconds);
    else if (event.kind === 'loaded') track.begin('ready', event.at, event.text);
    else if (event.kind === 'unload') track.begin('unloading', event.at, event.text);
    else if (['unloaded', 'load_failed', 'abort'].includes(event.kind)) track.close(event.at);
    if (DECISIONS.has(event.kind)) track.decisions.push(event);
  }

  endOf(upstream, at) {
    for (const track of this.tracks.values()) {
      if (!upstream || track.upstream === upstream) track.endAll(at);
    }
  }

  // What is in memory though no event that is kept said so, and the other way round.
  adopt(models, now) {
    const present = new Set();
    for (const model of models) {
      const track = this.track(model.upstream, model.name);
      track.last = now;
      present.add(track);
      if (model.leases === 0) track.endRequests(now, now - GRACE);
      // A list that was read just before an unload ended still has it.
      const before = track.residence.at(-1)?.to ?? 0;
      if (model.state !== 'loading' && !track.open && now - before > GRACE) {
        const ago = (model.loaded_seconds_ago ?? model.state_seconds ?? 0) * 1000;
        track.begin('ready', Math.max(now - ago, before), model.foreign ? 'Loaded past Plimsoll' : 'In memory');
      }
    }
    for (const track of this.tracks.values()) {
      // An event that is on its way closes it with the right time.
      if (!present.has(track) && track.open && now - track.open.from > GRACE) track.close(now);
    }
  }

  forget(now) {
    for (const [id, track] of this.tracks) {
      track.forget(now - KEPT);
      const isEmpty = track.residence.length + track.requests.length + track.decisions.length === 0;
      if (isEmpty) this.tracks.delete(id);
    }
    dropWhile(this.breaks, (each) => each.at < now - KEPT, MOST_SPANS);
    // A client that makes names up shall not fill the page.
    if (this.tracks.size > MOST_MODELS) {
      const byAge = [...this.tracks].sort(([, a], [, b]) => a.last - b.last);
      for (const [id] of byAge.slice(0, this.tracks.size - MOST_MODELS)) this.tracks.delete(id);
    }
  }
}
