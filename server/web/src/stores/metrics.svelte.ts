// Points as a chart wants them: one row of times, and under it a row of values for each series, null where there is none.
import { getV1MetricsQuery, type MetricAnswer } from '../api/client';
import { endsOf, type Range } from '../lib/time';

export interface ChartSeries {
  label: string;
  values: (number | null)[];
}

export interface ChartData {
  unit: string;
  perSecond: boolean;
  from: number;
  to: number;
  times: number[];
  series: ChartSeries[];
  truncated: boolean;
}

export interface Asked {
  name: string;
  agg?: string;
  label?: string[];
  by?: string[];
  window?: string;
  without?: string; // the line of this name is left out
}

const refreshMsMin = 5_000;

// How often a relative range is worth asking for again.
export function refreshMs(range: Range): number {
  const [from, to] = endsOf(range);
  return Math.max(refreshMsMin, Math.min(60_000, (to - from) / 60));
}

export async function askChart(asked: Asked, range: Range, signal: AbortSignal): Promise<ChartData> {
  const { name, agg, label, by, window } = asked;
  const query = { name, agg, label, by, window, from: range.from, to: range.to };
  const chart = toChart(await getV1MetricsQuery(query as never, { signal }), range);
  return { ...chart, series: chart.series.filter((each) => each.label !== asked.without) };
}

export function toChart(found: MetricAnswer, range: Range): ChartData {
  const [from, to] = endsOf(range);
  const times = [...new Set(found.series.flatMap((series) => series.points.map(([time]) => Date.parse(time as string))))].sort((a, b) => a - b);
  const place = new Map(times.map((time, index) => [time, index]));
  const names = labelsThatDiffer(found.series.map((series) => series.labels));
  const series = found.series.map(({ labels, points }) => {
    const values: (number | null)[] = times.map(() => null);
    for (const [time, value] of points as [string, number][]) values[place.get(Date.parse(time))!] = value;
    return { label: labelOf(labels, names, found.name), values };
  });
  series.sort((a, b) => a.label.localeCompare(b.label));
  // A hole in time is a hole in the line: a step without points gets its own empty place.
  return { unit: found.unit, perSecond: found.agg === 'rate', from, to, ...withHoles(times, series, found.step_ms), truncated: found.truncated };
}

function withHoles(times: number[], series: ChartSeries[], stepMs: number): { times: number[]; series: ChartSeries[] } {
  const holes = times.flatMap((time, index) => (index > 0 && time - times[index - 1]! > stepMs * 2.5 ? [index] : []));
  for (const index of holes.reverse()) {
    times.splice(index, 0, times[index - 1]! + stepMs);
    for (const each of series) each.values.splice(index, 0, null);
  }
  return { times, series };
}

function labelsThatDiffer(all: Record<string, string>[]): string[] {
  const names = [...new Set(all.flatMap((labels) => Object.keys(labels)))].sort();
  return names.filter((name) => new Set(all.map((labels) => labels[name])).size > 1);
}

function labelOf(labels: Record<string, string>, names: string[], otherwise: string): string {
  const values = names.map((name) => labels[name]).filter(Boolean);
  return values.join(' · ') || Object.values(labels).join(' · ') || otherwise;
}
