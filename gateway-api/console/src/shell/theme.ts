/** Light or dark: as the system says, until somebody chooses. It is a taste and says nothing of health: the browser keeps it. */

const KEPT = 'theme';
type Theme = 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');
const themeNow = (): Theme => {
  const kept = localStorage.getItem(KEPT);
  return kept === 'light' || kept === 'dark' ? kept : dark.matches ? 'dark' : 'light';
};

/** Charts draw with colours of their own, so they want to know. */
export function showTheme(): void {
  document.documentElement.dataset['theme'] = themeNow();
  document.dispatchEvent(new Event('theme'));
}
dark.addEventListener('change', showTheme);

export function turnTheme(): void {
  localStorage.setItem(KEPT, themeNow() === 'dark' ? 'light' : 'dark');
  showTheme();
}
