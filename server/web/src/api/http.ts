// How the page talks to the server: one function that sends, knows the token, and turns whatever goes wrong into an
// ApiError that a person can read. The token lives here, in memory alone; the cookie is the browser's.

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer at all
    readonly code: string,
    detail: string,
    readonly requestId = '',
    readonly retryAfterSeconds = 0,
  ) {
    super(detail);
  }
}

export type QueryValue = string | number | boolean | undefined;
export type Query = Record<string, QueryValue | readonly QueryValue[]>;

export interface CallOptions {
  signal?: AbortSignal;
}

interface Sent extends CallOptions {
  query?: object;
  body?: unknown;
  accept?: string;
}

const answerMsMax = 30_000;
let token = '';
let renew: () => Promise<boolean> = async () => false;

export function useToken(next: string, renewWith?: () => Promise<boolean>): void {
  token = next;
  if (renewWith) renew = renewWith;
}

export function toQueryString(query: object = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query as Query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== '') params.append(name, String(each));
    }
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

// The answer's head, once it is a good one. A refused token is renewed once.
export async function send(method: string, path: string, sent: Sent = {}, again = true): Promise<Response> {
  const headers: Record<string, string> = { Accept: sent.accept ?? 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (sent.body !== undefined) headers['Content-Type'] = 'application/json';
  if (method === 'POST' && !path.startsWith('/v1/session')) headers['Idempotency-Key'] = crypto.randomUUID();
  let response: Response;
  try {
    response = await fetch(path + toQueryString(sent.query), {
      method,
      headers,
      body: sent.body === undefined ? undefined : JSON.stringify(sent.body),
      signal: sent.signal,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (sent.signal?.aborted) throw sent.signal.reason;
    throw new ApiError(0, 'unavailable', `The server did not answer (${(error as Error).message}).`);
  }
  if (response.ok) return response;
  const ours = path === '/v1/session' || path === '/v1/session/refresh';
  if (response.status === 401 && again && !ours && (await renew())) return send(method, path, sent, false);
  throw await problemOf(response);
}

async function problemOf(response: Response): Promise<ApiError> {
  const problem = await response.json().catch(() => ({}));
  const detail = problem.detail ?? problem.title ?? `The server answered ${response.status}.`;
  const wait = Number(response.headers.get('Retry-After') ?? 0);
  return new ApiError(response.status, problem.code ?? '', detail, problem.request_id ?? '', wait);
}

// One request and its whole answer. `undefined` for an answer without a body.
export async function call<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
  const limit = AbortSignal.timeout(answerMsMax);
  const signal = sent.signal ? AbortSignal.any([sent.signal, limit]) : limit;
  try {
    const response = await send(method, path, { ...sent, signal });
    return (response.status === 204 ? undefined : await response.json()) as T;
  } catch (error) {
    if (sent.signal?.aborted || !limit.aborted) throw error;
    throw new ApiError(0, 'unavailable', `The server did not answer within ${answerMsMax / 1000} s.`);
  }
}
