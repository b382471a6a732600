// A live feed: server-sent events read with fetch, so that the token goes along and a refusal can be told from a cut. A
// cut feed goes on behind the last event it had, after a pause that grows to a ceiling.
import { ApiError, send } from './http';

export interface LiveEvents<T> {
  onMessage: (message: T) => void;
  onOpen: (resumed: boolean) => void; // resumed: nothing was missed in between
  onCut: (why: ApiError, retryMs: number) => void; // it tries again by itself
}

const retryMsMin = 500;
const retryMsMax = 15_000;
const silenceMsMax = 40_000; // the server says something every 15 s
const lineCharsMax = 4_000_000;

// Returns the function that ends it.
export function openLive<T>(path: string, query: object, events: LiveEvents<T>): () => void {
  const ended = new AbortController();
  let cursor = '';
  let retryMs = retryMsMin;

  async function run(): Promise<void> {
    while (!ended.signal.aborted) {
      const cut = new AbortController();
      const stop = () => cut.abort();
      ended.signal.addEventListener('abort', stop);
      let silence = setTimeout(stop, silenceMsMax);
      const heard = () => {
        clearTimeout(silence);
        silence = setTimeout(stop, silenceMsMax);
      };
      let why: ApiError | undefined;
      try {
        const response = await send('GET', path, {
          query: { ...query, cursor },
          accept: 'text/event-stream',
          signal: cut.signal,
        });
        events.onOpen(cursor !== '');
        retryMs = retryMsMin;
        await read(response, heard);
      } catch (error) {
        if (error instanceof ApiError) why = error;
      } finally {
        clearTimeout(silence);
        ended.signal.removeEventListener('abort', stop);
      }
      if (ended.signal.aborted) return;
      why ??= new ApiError(0, 'unavailable', 'The live connection was cut.');
      const pause = Math.max(retryMs * (0.75 + Math.random() / 2), why.retryAfterSeconds * 1000);
      events.onCut(why, pause);
      await new Promise((done) => setTimeout(done, pause));
      retryMs = Math.min(retryMs * 2, retryMsMax);
    }
  }

  async function read(response: Response, heard: () => void): Promise<void> {
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    let data = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      rest += value;
      if (rest.length > lineCharsMax) throw new ApiError(0, 'exhausted', 'A live event was too long.');
      const lines = rest.split('\n');
      rest = lines.pop()!;
      for (const raw of lines) {
        const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
        if (line.startsWith('data:')) data += line.slice(5).trimStart();
        else if (line.startsWith('id:')) cursor = line.slice(3).trim();
        else if (line === '' && data) {
          events.onMessage(JSON.parse(data) as T);
          data = '';
        }
      }
    }
  }

  void run();
  return () => ended.abort();
}
