export type Theme = 'light' | 'dark';

const KEY = 'peregrine-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
/** Those that were asked for since the theme changed. */
const colors = new Map<string, string>();

/** The theme of the page: what was chosen, or what the system has. */
export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return system.matches ? 'dark' : 'light';
}

export function chooseTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // The browser keeps nothing: then it holds until the page is left.
  }
  announce();
}

/** Takes up what was chosen before. */
export function restoreTheme(): void {
  try {
    const chosen = localStorage.getItem(KEY);
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  } catch {
    // Then the system's.
  }
  system.addEventListener('change', announce);
}

/** Calls the listener when another theme is shown. */
export function onThemeChange(listener: () => void): () => void {
  addEventListener('themechange', listener);
  return () => removeEventListener('themechange', listener);
}

/** A colour of the theme, as a canvas understands it. */
export function themeColor(name: string): string {
  const known = colors.get(name);
  if (known !== undefined) return known;
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  colors.set(name, color);
  return color;
}

function announce(): void {
  colors.clear();
  dispatchEvent(new Event('themechange'));
}
