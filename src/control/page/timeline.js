// What happened to each model lately, drawn. The reason of what the pointer or the arrow keys are at stands below it.

import { age, seconds, time } from './format.js';
import { setText } from './dom.js';
import { kindWord } from './log.js';

const ROW = 50;
const AXIS = 24;
const RESIDENCE = { y: 20, height: 9 };
const LANES = { y: 32, height: 3, step: 4 };
const MOST_ROWS = 14;
const NEAR = 7; // pixels
const STEPS = [5, 10, 15, 30, 60, 120, 300]; // seconds between lines

// Colours of the style sheet as the canvas wants them: it does not know variables.
function readColours(hues) {
  const probe = document.createElement('i');
  probe.hidden = true;
  document.body.append(probe);
  const colour = (value) => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const names = ['ink', 'muted', 'line', 'edge', 'accent', 'bad', 'warn', 'panel', 'well'];
  const out = Object.fromEntries(names.map((name) => [name, colour(`var(--${name})`)]));
  out.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  out.boxes = Array.from({ length: hues }, (_, i) => {
    probe.className = `hue-${i}`;
    return { fill: colour('var(--box)'), strong: colour('color-mix(in oklab, var(--box), var(--ink) 38%)') };
  });
  probe.remove();
  return out;
}

export class Timeline {
  constructor(canvas, detail, store) {
    this.canvas = canvas;
    this.detail = detail;
    this.store = store;
    this.span = 120_000;
    this.colours = null;
    this.pointer = null;
    this.chosen = null; // the decision that the arrow keys are at
    this.rows = [];
    canvas.addEventListener('pointermove', (event) => this.point({ x: event.offsetX, y: event.offsetY }));
    canvas.addEventListener('pointerleave', () => this.point(null));
    canvas.addEventListener('keydown', (event) => this.walk(event));
    this.width = 0;
    new ResizeObserver(([entry]) => {
      this.width = Math.max(240, entry.contentRect.width); // read here, because asking for it makes the browser lay out the page
      this.draw();
    }).observe(canvas.parentElement);
  }

  recolour() {
    this.colours = null;
    this.draw();
  }

  x(at) {
    return this.left + ((at - this.from) / this.span) * (this.width - this.left - 6);
  }

  draw() {
    if (!this.width) return;
    const { history } = this.store;
    this.now = Date.now();
    this.from = this.now - this.span;
    history.forget(this.now);
    this.rows = [...history.tracks.values()].filter((track) => track.last > this.from || track.open).slice(0, MOST_ROWS);
    this.left = this.width < 560 ? 4 : 6;
    const height = AXIS + Math.max(2, this.rows.length) * ROW;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(this.width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.height = `${height}px`;
    }
    this.colours ??= readColours(8);
    const paint = this.canvas.getContext('2d');
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, this.width, height);
    paint.font = this.colours.font;
    this.drawGrid(paint, height);
    this.rows.forEach((track, i) => this.drawRow(paint, track, AXIS + i * ROW));
    this.drawBreaks(paint, height);
  }

  drawGrid(paint, height) {
    const wanted = Math.min(8, Math.max(2, Math.floor(this.width / 130)));
    const step = (STEPS.find((each) => this.span / 1000 / each <= wanted) ?? 600) * 1000;
    paint.textBaseline = 'middle';
    for (let ago = 0; ago <= this.span; ago += step) {
      const x = Math.round(this.x(this.now - ago)) + 0.5;
      paint.fillStyle = this.colours.line;
      paint.fillRect(x - 0.5, AXIS - 4, 1, height - AXIS + 4);
      paint.fillStyle = this.colours.muted;
      paint.textAlign = ago === 0 ? 'right' : x < 40 ? 'left' : 'center';
      paint.fillText(ago === 0 ? 'now' : `${age(ago / 1000)} ago`, ago === 0 ? x + 4 : Math.max(2, x), 10);
    }
    paint.textAlign = 'left';
    if (!this.rows.length) {
      paint.fillStyle = this.colours.muted;
      paint.fillText('Nothing happened in this time.', this.left + 6, AXIS + 26);
    }
  }

  // Residence bars get stripes while loading, like the boxes on deck.
  stripes(paint, x, y, width, height, box) {
    paint.save();
    paint.beginPath();
    paint.rect(x, y, width, height);
    paint.clip();
    paint.fillStyle = box.fill;
    paint.fillRect(x, y, width, height);
    paint.strokeStyle = box.strong;
    paint.lineWidth = 2.5;
    paint.beginPath();
    const offset = x % 8;
    for (let at = -height; at < width + height; at += 8) {
      paint.moveTo(x + at - offset, y + height);
      paint.lineTo(x + at + height - offset, y);
    }
    paint.stroke();
    paint.restore();
  }

  drawRow(paint, track, top) {
    const box = this.colours.boxes[this.store.hue(track.model)];
    paint.fillStyle = this.colours.line;
    paint.fillRect(0, top - 1, this.width, 1);
    for (const span of track.residence) {
      const x = Math.max(this.left, this.x(span.from));
      const end = this.x(span.to ?? this.now);
      if (end < this.left) continue;
      const width = Math.max(2, end - x);
      if (span.state === 'ready') {
        paint.fillStyle = box.fill;
        paint.fillRect(x, top + RESIDENCE.y, width, RESIDENCE.height);
      } else {
        this.stripes(paint, x, top + RESIDENCE.y, width, RESIDENCE.height, box);
      }
    }
    this.drawRequests(paint, track, top, box);
    for (const decision of track.decisions) this.drawDecision(paint, decision, top);
    paint.fillStyle = this.colours.ink;
    paint.textBaseline = 'middle';
    const many = this.store.upstreams.length > 1 ? ` on ${track.upstream}` : '';
    paint.fillText(`\u2068${track.model}\u2069${many}`, this.left + 2, top + 10, this.width * 0.8);
  }

  drawRequests(paint, track, top, box) {
    const first = track.requests[0]?.from ?? Infinity;
    const most = Math.max(1, ...track.counts.values());
    paint.fillStyle = box.strong;
    for (const [second, count] of track.counts) {
      if ((second + 1) * 1000 > first || (second + 1) * 1000 < this.from) continue;
      const height = Math.max(1, (count / most) * 4 * LANES.step);
      const x = this.x(second * 1000);
      paint.fillRect(x, top + LANES.y + 16 - height, Math.max(1, this.x((second + 1) * 1000) - x), height);
    }
    for (const span of track.requests) {
      const end = this.x(span.to ?? this.now);
      if (end < this.left) continue;
      const y = top + LANES.y + span.lane * LANES.step;
      const from = Math.max(this.left, this.x(span.from));
      const since = Math.max(this.left, this.x(span.since));
      if (from - since > 1) {
        paint.fillStyle = this.colours.edge;
        paint.fillRect(since, y + 1, from - since, 1);
      }
      paint.fillStyle = box.strong;
      paint.fillRect(from, y, Math.max(1.5, end - from), LANES.height);
    }
  }

  drawDecision(paint, decision, top) {
    const x = this.x(decision.at);
    if (x < this.left) return;
    const y = top + RESIDENCE.y + RESIDENCE.height / 2;
    const size = decision === this.chosen ? 6.5 : 4.5;
    const isBad = ['refuse', 'load_failed', 'abort'].includes(decision.kind);
    paint.fillStyle = isBad ? this.colours.bad : this.colours.ink;
    paint.strokeStyle = this.colours.panel;
    paint.lineWidth = 1.5;
    paint.beginPath();
    paint.moveTo(x, y - size);
    paint.lineTo(x + size, y);
    paint.lineTo(x, y + size);
    paint.lineTo(x - size, y);
    paint.closePath();
    paint.fill();
    paint.stroke();
  }

  drawBreaks(paint, height) {
    for (const each of this.store.history.breaks) {
      const x = Math.round(this.x(each.at));
      if (x < this.left) continue;
      paint.fillStyle = each.kind === 'upstream_down' ? this.colours.bad : this.colours.accent;
      paint.fillRect(x, AXIS - 4, 1.5, height);
    }
  }

  point(where) {
    const found = where && this.find(where);
    this.canvas.classList.toggle('pointing', Boolean(found));
    if (found) this.say(found);
  }

  find({ x, y }) {
    const track = this.rows[Math.floor((y - AXIS) / ROW)];
    if (!track) return null;
    const decision = track.decisions.findLast((each) => Math.abs(this.x(each.at) - x) <= NEAR);
    if (decision) return { decision };
    const covers = (from, to) => this.x(from) - 2 <= x && x <= this.x(to ?? this.now) + 2;
    const below = y - AXIS - this.rows.indexOf(track) * ROW - LANES.y;
    const lane = Math.floor(below / LANES.step);
    const request = track.requests.findLast((each) => each.lane === lane && covers(each.since, each.to));
    if (request) return { track, request };
    const span = track.residence.findLast((each) => covers(each.from, each.to));
    return span ? { track, span } : null;
  }

  say({ track, decision, request, span }) {
    let text = '';
    if (decision) {
      text = `${time(decision.at)} ${kindWord(decision.kind)} ${decision.model ?? ''}: ${decision.text}`;
    } else if (request) {
      const took = request.to === null ? 'is being answered' : `${request.words} in ${seconds((request.to - request.from) / 1000)}`;
      text = `${time(request.since)} a request for ${track.model} waited ${seconds((request.from - request.since) / 1000)} and ${took}: ${request.reason}`;
    } else {
      const end = span.to === null ? 'until now' : `for ${seconds((span.to - span.from) / 1000)}`;
      const words = { loading: 'loading', ready: 'in memory', unloading: 'unloading' }[span.state];
      text = `${time(span.from)} ${track.model} ${words} ${end}: ${span.reason}`;
    }
    setText(this.detail, text);
  }

  walk(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = this.rows.flatMap((track) => track.decisions).filter((each) => each.at >= this.from).sort((a, b) => a.at - b.at);
    if (!all.length) {
      setText(this.detail, 'No decision in this time.');
      return;
    }
    const at = all.indexOf(this.chosen);
    const next = at < 0 ? all.length - 1 : Math.min(all.length - 1, Math.max(0, at + step));
    this.chosen = all[next];
    this.say({ decision: this.chosen });
    this.draw();
  }
}
