// Times as people read them, and the ranges a screen looks at. A range is what the URL holds: relative ("-1h", to now)
// or two moments.

export interface Range {
  from: string; // "-1h" or RFC 3339
  to: string; // "" (now) or RFC 3339
}

export const relativeRanges = [
  { from: '-5m', label: 'Last 5 minutes' },
  { from: '-15m', label: 'Last 15 minutes' },
  { from: '-1h', label: 'Last hour' },
  { from: '-6h', label: 'Last 6 hours' },
  { from: '-24h', label: 'Last 24 hours' },
  { from: '-7d', label: 'Last 7 days' },
  { from: '-30d', label: 'Last 30 days' },
] as const;

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function relativeMs(text: string): number | undefined {
  const found = /^-(\d+)([smhd])$/.exec(text);
  return found ? Number(found[1]) * unitMs[found[2]!]! : undefined;
}

export function isRelative(range: Range): boolean {
  return relativeMs(range.from) !== undefined && !range.to;
}

// The range's two ends as milliseconds.
export function endsOf(range: Range, now = Date.now()): [number, number] {
  const back = relativeMs(range.from);
  const to = range.to ? Date.parse(range.to) : now;
  return [back === undefined ? Date.parse(range.from) : now - back, to];
}

const pad = (value: number, width = 2) => String(value).padStart(width, '0');

export function clock(ms: number, withMillis = false): string {
  const at = new Date(ms);
  const text = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return withMillis ? `${text}.${pad(at.getMilliseconds(), 3)}` : text;
}

export function day(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

// "14:02" within a day, "Mar 3 14:02" across days.
export function shortTime(ms: number, spanMs: number): string {
  const at = new Date(ms);
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  if (spanMs <= 10 * 60_000) return `${time}:${pad(at.getSeconds())}`;
  if (spanMs <= unitMs.d!) return time;
  const date = at.toLocaleDateString('en', { month: 'short', day: 'numeric' });
  return spanMs <= 3 * unitMs.d! ? `${date} ${time}` : date;
}

// "2 h 5 min": the two largest units of a length of time.
export function lengthOf(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

export function ago(time: string | null, now = Date.now()): string {
  if (!time) return 'never';
  const ms = now - Date.parse(time);
  return ms < 2000 ? 'now' : `${lengthOf(ms)} ago`;
}

export function rangeLabel(range: Range): string {
  const known = relativeRanges.find((each) => each.from === range.from && !range.to);
  if (known) return known.label;
  if (isRelative(range)) return `Last ${lengthOf(relativeMs(range.from)!)}`;
  const [from, to] = endsOf(range);
  const sameDay = day(from) === day(to);
  const end = range.to ? (sameDay ? clock(to) : `${day(to)} ${clock(to)}`) : 'now';
  return `${day(from)} ${clock(from)} – ${end}`;
}

// For <input type="datetime-local">: local time, and back.
export function toLocalInput(ms: number): string {
  return `${day(ms)}T${clock(ms)}`;
}
