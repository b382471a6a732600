// Numbers as people read them.

const counts = new Intl.NumberFormat('en');
export const count = (value: number): string => counts.format(value);

export function shortCount(value: number): string {
  if (Math.abs(value) < 10_000) return count(Math.round(value * 100) / 100);
  for (const [size, letter] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) {
    if (Math.abs(value) >= size) return `${(value / size).toFixed(value / size < 10 ? 1 : 0)} ${letter}`;
  }
  return String(value);
}

export function bytes(value: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let at = 0;
  while (Math.abs(value) >= 1024 && at < names.length - 1) {
    value /= 1024;
    ++at;
  }
  return `${at === 0 || Math.abs(value) >= 100 ? Math.round(value) : value.toFixed(1)} ${names[at]}`;
}

const small = (value: number): string =>
  value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(1) : String(Math.round(value * 100) / 100);

// A metric's value with its unit (UCUM, as OpenTelemetry writes them).
export function withUnit(value: number | null | undefined, unit: string, perSecond = false): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const per = perSecond ? '/s' : '';
  if (unit === 'By') return bytes(value) + per;
  if (unit === '1') return `${small(value * 100)} %`;
  if (unit === 's' && perSecond) return `${small(value)} s/s`;
  if (unit === 's') return Math.abs(value) >= 120 ? `${shortCount(value / 60)} min` : `${small(value)} s`;
  const name = /^\{.*\}$/.test(unit) ? '' : unit;
  const number = Math.abs(value) >= 1000 ? shortCount(value) : small(value);
  return (name ? `${number} ${name}` : number) + per;
}
