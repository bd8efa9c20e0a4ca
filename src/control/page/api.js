// The control API: the key, errors as sentences, and streams of Server-Sent Events. Addresses are relative to the page, so
// that a proxy in front may put it under another path.

const KEY = 'plimsoll-key';

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? '',
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

function headers(more) {
  const all = { ...more };
  if (key.get()) all.Authorization = `Bearer ${key.get()}`;
  return all;
}

async function sentence(answer) {
  const text = await answer.text().catch(() => '');
  try {
    const parsed = JSON.parse(text);
    const error = parsed.error?.message ?? parsed.error;
    if (typeof error === 'string' && error) return error;
  } catch {
    // not ours: perhaps of a proxy between
  }
  return `The server answered ${answer.status} ${answer.statusText}`.trim();
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { cache: 'no-store', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'Plimsoll does not answer. Is it running?');
  }
  if (!answer.ok) throw new ApiError(answer.status, await sentence(answer));
  return answer;
}

export async function get(path, signal) {
  return (await ask(path, { headers: headers(), signal })).json();
}

export async function send(method, path, body, signal) {
  const options = { method, signal, headers: headers({ 'Content-Type': 'application/json' }) };
  if (body !== undefined) options.body = JSON.stringify(body);
  return (await ask(path, options)).json();
}

// One event of a stream: its id, its kind and its data.
export function parseEvent(block) {
  const event = { id: null, kind: 'message', data: '' };
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id') event.id = value;
    else if (name === 'event') event.kind = value;
    else if (name === 'data') event.data += (event.data && '\n') + value;
  }
  return event.data ? event : null;
}

// EventSource cannot send a key; fetch can. Calls `onEvents` with the events of each read, as many as came together.
export async function readEvents(path, { lastId, signal, onOpen, onBytes, onEvents }) {
  const more = { Accept: 'text/event-stream' };
  if (lastId) more['Last-Event-ID'] = lastId;
  const answer = await ask(path, { headers: headers(more), signal });
  onOpen?.();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onBytes?.();
    rest += value;
    const blocks = rest.split('\n\n');
    rest = blocks.pop();
    const events = blocks.map(parseEvent).filter(Boolean);
    if (events.length) onEvents(events);
  }
}
