// Where the person is, as the address holds it: "#/logs?q=timeout&from=-1h". All state that a link should carry is in
// here and nowhere else.

export type Screen = 'logs' | 'metrics' | 'fleet' | 'settings';
export const screens: readonly Screen[] = ['logs', 'metrics', 'fleet', 'settings'];

class Route {
  screen = $state<Screen>('logs');
  params = $state.raw(new URLSearchParams());

  constructor() {
    this.#read();
    addEventListener('hashchange', () => this.#read());
  }

  get(name: string, otherwise = ''): string {
    return this.params.get(name) ?? otherwise;
  }

  all(name: string): string[] {
    return this.params.getAll(name);
  }

  // Changes some parameters; '' and [] take one away. `replace` while typing, so that "back" leaves the search.
  set(changes: Record<string, string | string[]>, replace = false): void {
    const next = new URLSearchParams(this.params);
    for (const [name, value] of Object.entries(changes)) {
      next.delete(name);
      for (const each of Array.isArray(value) ? value : [value]) if (each) next.append(name, each);
    }
    if (next.toString() === this.params.toString()) return;
    this.go(this.screen, next, replace);
  }

  go(screen: Screen, params: URLSearchParams | Record<string, string> = {}, replace = false): void {
    const address = addressOf(screen, params);
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    this.#read();
  }

  #read(): void {
    const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
    this.screen = screens.find((each) => each === path) ?? 'logs';
    this.params = new URLSearchParams(query);
  }
}

export function addressOf(screen: Screen, params: URLSearchParams | Record<string, string> = {}): string {
  const text = new URLSearchParams(params).toString();
  return `#/${screen}${text ? `?${text}` : ''}`;
}

export const route = new Route();
