// Numbers for people, as the command line writes them.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value) {
  let size = Math.abs(value ?? 0);
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    ++unit;
  }
  const digits = unit < 3 || size >= 100 ? 0 : 1;
  return `${value < 0 ? '-' : ''}${size.toFixed(digits)} ${UNITS[unit]}`;
}

// "13.5 of 22.0 GiB"
export function part(value, whole) {
  const [number, unit] = bytes(value).split(' ');
  return bytes(whole).endsWith(` ${unit}`) ? `${number} of ${bytes(whole)}` : `${bytes(value)} of ${bytes(whole)}`;
}

export function seconds(value) {
  if (value === null || value === undefined) return 'unknown';
  if (value < 1) return value < 0.0005 ? '0 s' : `${Math.round(value * 1000)} ms`;
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} m ${whole % 60} s` : `${whole / 60} m`;
  const minutes = Math.round(whole / 60);
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} m` : `${minutes / 60} h`;
}

// For numbers that count along: whole seconds, so that they do not flicker.
export const age = (value) => seconds(Math.max(0, Math.floor(value ?? 0)));

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export function tokens(count) {
  if (!count) return 'unknown';
  return count >= 1024 && count % 1024 === 0 ? `${count / 1024}k` : String(count);
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});
export const time = (milliseconds) => clock.format(milliseconds);

// A step of a scale with at most `most` steps in `size` bytes: 1, 2, 4, 8, 16 ... GiB (or MiB).
export function scaleStep(size, most) {
  let step = 64 * 2 ** 20;
  while (size / step > most) step *= 2;
  return step;
}
