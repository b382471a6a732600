// Light, dark, or as the system has it; remembered in this browser.

export type Theme = 'system' | 'light' | 'dark';
const place = 'reeve.theme';

class ThemeStore {
  choice = $state<Theme>('system');
  #systemDark = matchMedia('(prefers-color-scheme: dark)');
  #systemIsDark = $state(this.#systemDark.matches);

  constructor() {
    const kept = localStorage.getItem(place);
    if (kept === 'light' || kept === 'dark') this.#apply(kept);
    this.#systemDark.addEventListener('change', () => (this.#systemIsDark = this.#systemDark.matches));
  }

  get dark(): boolean {
    return this.choice === 'system' ? this.#systemIsDark : this.choice === 'dark';
  }

  toggle(): void {
    this.#apply(this.dark ? 'light' : 'dark');
    localStorage.setItem(place, this.choice);
  }

  #apply(choice: Theme): void {
    this.choice = choice;
    document.documentElement.dataset.theme = choice;
  }
}

export const theme = new ThemeStore();
