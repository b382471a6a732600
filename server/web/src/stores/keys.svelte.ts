// The keyboard. A screen says which keys it knows while it is shown; typing in a field is never taken away from it.

import { untrack } from 'svelte';

export interface Key {
  key: string;
  about: string;
  run: () => void;
}

class Keys {
  helpOpen = $state(false);
  #layers = $state.raw<Key[][]>([]);

  constructor() {
    addEventListener('keydown', (event) => this.#on(event));
  }

  get all(): Key[] {
    return this.#layers.flat();
  }

  // Returns the function that takes them away again; made for $effect.
  use(keys: Key[]): () => void {
    untrack(() => (this.#layers = [...this.#layers, keys]));
    return () => (this.#layers = this.#layers.filter((each) => each !== keys));
  }

  #on(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const at = event.target as HTMLElement;
    const typing = at.matches?.('input, textarea, select, [contenteditable]');
    if (typing && event.key === 'Escape') return at.blur();
    if (event.key === 'Enter' && at.matches?.('a, button, summary')) return; // it does what it says
    if (typing || document.querySelector('dialog[open]')) return;
    const found = this.all.findLast((each) => each.key === event.key);
    if (!found) return;
    event.preventDefault();
    found.run();
  }
}

export const keys = new Keys();
