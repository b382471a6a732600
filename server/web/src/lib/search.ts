// What a person types into the search field, as the filters that the server knows.
//
//   card declined        every word must be in the line; case does not matter
//   "Card declined"      this phrase, exact case
//   /took \d{4,}ms/      a regular expression (RE2)
//   level:warn service:shop host:web-1 source:/var/log/app.log      these fields; level is "and above"

export const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type Level = (typeof levels)[number];

export interface Filters {
  service?: string;
  host?: string;
  source?: string;
  level?: Level;
  template?: string;
  text?: string[];
  itext?: string[];
  regex?: string[];
}

export const chosen = ['service', 'host', 'source', 'template'] as const; // filters that are chips
const fields: readonly string[] = ['service', 'host', 'source', 'template'];
export const toLevel = (text: string) => levels.find((level) => level === text);
const token = /"([^"]*)"?|\/((?:\\.|[^/\\])+)\/|(\S+)/g;

export function parseSearch(typed: string): Filters {
  const found: Filters = {};
  for (const [, phrase, pattern, word] of typed.matchAll(token)) {
    const [name = '', value = ''] = word?.split(/:(.*)/s, 2) ?? [];
    if (phrase) (found.text ??= []).push(phrase);
    else if (pattern) (found.regex ??= []).push(pattern);
    else if (name === 'level' && value) found.level = toLevel(value); // half typed: none yet
    else if (word && value && fields.includes(name)) found[name as 'service'] = value;
    else if (word) (found.itext ??= []).push(word);
  }
  return found;
}

// What of a line was searched for, so that it can be marked: pieces, every second one a hit.
export function splitAtHits(body: string, filters: Filters): string[] {
  const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const insensitive = filters.itext ?? [];
  const exact = filters.text ?? [];
  if (insensitive.length + exact.length === 0) return [body];
  const parts = [...exact.map(escaped), ...insensitive.map((word) => escaped(word).replace(/[a-z]/gi, eitherCase))];
  return body.split(new RegExp(`(${parts.join('|')})`));
}

// The time and level that a line itself begins with; they stand in columns of their own already.
const lineHead = /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?\s+(?:\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\]?:?\s+)?/;

export function headOf(body: string): string {
  return lineHead.exec(body)?.[0] ?? '';
}

const eitherCase = (letter: string) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`;
