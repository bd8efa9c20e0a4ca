// Dark, light, or as the system says. Kept in this browser.

import { byId } from './dom.js';

const KEY = 'plimsoll-theme';
const ORDER = ['system', 'light', 'dark'];

function apply(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId('theme').textContent = `Theme: ${theme}`;
}

export function startTheme(onChange) {
  let theme = localStorage.getItem(KEY);
  if (!ORDER.includes(theme)) theme = 'system';
  apply(theme);
  byId('theme').addEventListener('click', () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    localStorage.setItem(KEY, theme);
    apply(theme);
    onChange();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
}
