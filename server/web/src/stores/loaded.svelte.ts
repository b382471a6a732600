// Something that is loaded, and may be loading again, old, or failed: the four states every screen shows. A newer load
// cancels the one before it; what was there stays visible until the new one has come.
import { ApiError } from '../api/http';

export class Loaded<T> {
  data = $state.raw<T>();
  at = $state(0); // when it came; 0: never
  loading = $state(false);
  failed = $state.raw<ApiError>();

  #running: AbortController | undefined;

  async load(ask: (signal: AbortSignal) => Promise<T>): Promise<boolean> {
    this.#running?.abort();
    const mine = new AbortController();
    this.#running = mine;
    this.loading = true;
    try {
      const data = await ask(mine.signal);
      if (mine.signal.aborted) return false;
      this.data = data;
      this.at = Date.now();
      this.failed = undefined;
    } catch (error) {
      if (mine.signal.aborted) return false;
      this.failed = error instanceof ApiError ? error : new ApiError(0, '', (error as Error).message);
    }
    this.loading = false;
    return !this.failed;
  }

  stop(): void {
    this.#running?.abort();
    this.loading = false;
  }

  clear(): void {
    this.stop();
    this.data = undefined;
    this.failed = undefined;
    this.at = 0;
  }
}
