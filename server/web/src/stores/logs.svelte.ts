// The logs on the screen: one page after another, newest first, and what a live feed adds on top. Bounded both ways: a
// page more than rowsMax is refused with a word, and live lines push the oldest out, counted.
import {
  getV1Logs,
  getV1LogsHistogram,
  getV1LogsLivePath,
  getV1LogsTemplates,
  type Histogram,
  type GetV1LogsQuery,
  type Log,
  type LogPage,
  type LogTemplates,
} from '../api/client';
import { ApiError } from '../api/http';
import { openLive } from '../api/live';
import { chosen, parseSearch, toLevel, type Filters } from '../lib/search';
import type { Range } from '../lib/time';
import { Loaded } from './loaded.svelte';
import { route } from './route.svelte';

const pageRows = 200;
export const rowsMax = 2000;
const histogramBuckets = 60;
const emptyPagesMax = 50;
const showEveryMs = 120; // live lines reach the screen in batches
const histogramEveryMs = 10_000;

type LiveMessage = { type: 'log'; log: Log } | { type: 'skipped'; count: number } | { type: 'ping' };

// A page may be empty and yet not be the last one: the server bounds the work of one request. So do we.
async function someLines(query: GetV1LogsQuery, signal: AbortSignal): Promise<LogPage> {
  let page = await getV1Logs(query, { signal });
  for (let asked = 1; page.logs.length === 0 && page.next_cursor && asked < emptyPagesMax; ++asked) {
    page = await getV1Logs({ ...query, cursor: page.next_cursor }, { signal });
  }
  return page;
}

class LogsStore {
  page = new Loaded<LogPage>();
  histogram = new Loaded<Histogram>();
  templates = new Loaded<LogTemplates>();

  rows = $state.raw<Log[]>([]);
  nextCursor = $state<string | null>(null);
  older = new Loaded<LogPage>();

  live = $state<'off' | 'connecting' | 'on' | 'cut'>('off');
  staleSince = $state(0);
  retryAt = $state(0);
  liveProblem = $state('');
  held = $state(false); // new lines wait behind the pill
  waiting = $state.raw<Log[]>([]);
  skipped = $state(0); // the server left out, because we were too slow
  pushedOut = $state(0); // left the screen at the bottom

  #seen = new Set<string>();
  #incoming: Log[] = [];
  #showTimer: ReturnType<typeof setTimeout> | undefined;
  #histogramTimer: ReturnType<typeof setInterval> | undefined;
  #endLive: (() => void) | undefined;

  get range(): Range {
    return { from: route.get('from', '-1h'), to: route.get('to') };
  }

  // What was typed and what was chosen; the chosen wins.
  get filters(): Filters {
    const filters = parseSearch(route.get('q'));
    for (const name of chosen) {
      const value = route.get(name);
      if (value) filters[name] = value;
    }
    const level = toLevel(route.get('level'));
    if (level) filters.level = level;
    return filters;
  }

  async load(): Promise<void> {
    const query = { ...this.filters, from: this.range.from, to: this.range.to };
    this.older.clear();
    void this.histogram.load((signal) => getV1LogsHistogram({ ...query, buckets: histogramBuckets }, { signal }));
    const first = (signal: AbortSignal) => someLines({ ...query, limit: pageRows }, signal);
    if (!(await this.page.load(first))) return;
    const page = this.page.data!;
    this.#seen = new Set(page.logs.map((log) => log.id));
    this.rows = page.logs;
    this.nextCursor = page.next_cursor;
    this.pushedOut = 0;
  }

  async loadOlder(): Promise<void> {
    if (!this.nextCursor || this.older.loading || this.rows.length >= rowsMax) return;
    const query = { ...this.filters, from: this.range.from, to: this.range.to, cursor: this.nextCursor };
    if (!(await this.older.load((signal) => someLines({ ...query, limit: pageRows }, signal)))) return;
    const page = this.older.data!;
    const fresh = page.logs.filter((log) => !this.#seen.has(log.id));
    for (const log of fresh) this.#seen.add(log.id);
    this.rows = [...this.rows, ...fresh];
    this.nextCursor = page.next_cursor;
  }

  loadTemplates(): Promise<boolean> {
    const { text, itext, regex, ...filters } = this.filters;
    const query = { ...filters, from: this.range.from, to: this.range.to };
    return this.templates.load((signal) => getV1LogsTemplates(query, { signal }));
  }

  // -- Live

  startLive(): void {
    this.stopLive();
    this.live = 'connecting';
    this.#endLive = openLive<LiveMessage>(getV1LogsLivePath, this.filters, {
      onOpen: (resumed) => {
        if (this.live === 'cut' && !resumed) void this.load();
        this.live = 'on';
        this.liveProblem = '';
      },
      onMessage: (message) => this.#take(message),
      onCut: (why: ApiError, retryMs) => {
        if (this.live !== 'cut') this.staleSince = Date.now();
        this.live = 'cut';
        this.liveProblem = why.message;
        this.retryAt = Date.now() + retryMs;
      },
    });
    this.#histogramTimer = setInterval(() => {
      const query = { ...this.filters, from: this.range.from, buckets: histogramBuckets };
      void this.histogram.load((signal) => getV1LogsHistogram(query, { signal }));
    }, histogramEveryMs);
  }

  stopLive(): void {
    this.#endLive?.();
    this.#endLive = undefined;
    clearInterval(this.#histogramTimer);
    clearTimeout(this.#showTimer);
    this.#showTimer = undefined;
    this.#incoming = [];
    this.live = 'off';
    this.held = false;
    this.waiting = [];
    this.skipped = 0;
  }

  hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    if (!held) this.showWaiting();
  }

  showWaiting(): void {
    const waiting = this.waiting;
    this.waiting = [];
    this.#show(waiting);
  }

  #take(message: LiveMessage): void {
    if (message.type === 'skipped') this.skipped += message.count;
    if (message.type !== 'log' || this.#seen.has(message.log.id)) return;
    this.#seen.add(message.log.id);
    this.#incoming.push(message.log);
    this.#showTimer ??= setTimeout(() => {
      this.#showTimer = undefined;
      const batch = this.#incoming.reverse();
      this.#incoming = [];
      if (this.held) this.waiting = [...batch, ...this.waiting].slice(0, rowsMax);
      else this.#show(batch);
    }, showEveryMs);
  }

  #show(batch: Log[]): void {
    const rows = [...batch, ...this.rows];
    const tooMany = rows.slice(rowsMax);
    for (const log of tooMany) this.#seen.delete(log.id);
    if (tooMany.length > 0) this.nextCursor = null;
    this.pushedOut += tooMany.length;
    this.rows = rows.slice(0, rowsMax);
  }
}

export const logs = new LogsStore();
