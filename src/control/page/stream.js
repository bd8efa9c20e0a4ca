// The stream of decisions, for as long as the page is open: comes back after a break with what was missed.

import { readEvents } from './api.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const SILENCE = 40_000; // the server says something every 15 s

export class Stream {
  // `onState(state, seconds)`: "connecting", "live", "broken" (tries again in so many seconds) or "locked" (a key is needed).
  constructor({ onEvents, onState, onLocked }) {
    this.onEvents = onEvents;
    this.onState = onState;
    this.onLocked = onLocked;
    this.lastId = null;
    this.pause = FIRST_PAUSE;
    this.controller = null;
    this.timer = 0;
  }

  // `upstreams`: how many there are; all that is kept of each is asked for at first.
  start(upstreams) {
    this.lastId ??= Array(upstreams).fill(0).join(',');
    this.connect();
  }

  async connect() {
    clearTimeout(this.timer);
    this.controller?.abort();
    const controller = (this.controller = new AbortController());
    this.onState('connecting');
    let watchdog = 0;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => controller.abort(), SILENCE);
    };
    alive();
    let locked = false;
    try {
      await readEvents('v1/events', {
        lastId: this.lastId,
        signal: controller.signal,
        onOpen: () => {
          this.pause = FIRST_PAUSE;
          this.onState('live');
        },
        onBytes: alive,
        onEvents: (events) => this.take(events),
      });
    } catch (error) {
      locked = error.status === 401 || error.status === 403;
      if (locked) this.onLocked(error);
    }
    clearTimeout(watchdog);
    if (this.controller !== controller) return; // another one has begun
    if (locked) {
      this.onState('locked');
      return;
    }
    this.onState('broken', this.pause / 1000);
    this.timer = setTimeout(() => this.connect(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  take(events) {
    for (const event of events) {
      if (event.id) this.lastId = event.id;
    }
    this.onEvents(events.map((event) => ({ kind: event.kind, ...JSON.parse(event.data) })));
  }

  retryNow() {
    this.pause = FIRST_PAUSE;
    this.connect();
  }
}
