// The typed client of the API, by hand until /openapi.json has these routes; then tools/make_client.mjs writes it.
import { call, type CallOptions } from './http';

export interface Log {
  id: string; time: string; level: string; service: string; host: string; source: string; template: string;
  body: string; body_base64url?: string; fields: Record<string, unknown>; time_suspect?: boolean; agent: string;
}
export interface LogPage { logs: Log[]; next_cursor: string | null; scanned: { blocks: number; blocks_pruned: number; rows: number; damaged_blocks: number } }
export interface HistogramBucket { time: string; count: number; levels: Record<string, number> }
export interface Histogram { from: string; to: string; step_ms: number; total: number; exact: boolean; buckets: HistogramBucket[] }
export interface LogContext { before: Log[]; log: Log; after: Log[] }
export interface LogTemplate { template: string; text: string; count: number; first: string; last: string; example: string; levels: Record<string, number>; services: string[]; hosts: number; buckets: number[] }
export interface LogTemplates { templates: LogTemplate[]; truncated: boolean }
export interface MetricLabels { names: string[]; labels: Record<string, string[]>; truncated: boolean }
export interface MetricCurve { labels: Record<string, string>; points: unknown[][] }
export interface MetricAnswer { name: string; unit: string; step_ms: number; agg: string; truncated: boolean; series: MetricCurve[] }
export interface Gap { epoch: string; lane: string; from: number; to: number; reason: string }
export interface Agent { id: string; host: string; version: string; state: 'online' | 'offline' | 'revoked'; enrolled: string; last_seen: string | null; certificate_not_after: string; spool_bytes: number; dropped_total: number; oldest_unsent_age_ms: number; gaps: Gap[] }
export interface AgentPage { agents: Agent[]; next_cursor: string | null }
export interface EnrolToken { token: string; expires: string; ca_fingerprint: string; command: string }
export interface User { id: string; email: string; name: string; role: string; disabled?: boolean; created?: string; last_sign_in?: string | null }
export interface SignedIn { token: string; expires: string; session_expires: string; user: User; org: string }
export interface Me { org: string; kind: string; name: string; role: string; permissions: string[]; server_version: string; server_time: string }
export interface ApiKey { id: string; prefix: string; label: string; role: string; scopes: string[]; created: string; expires: string | null; last_used: string | null; key?: string }
export interface AuditEntry { id: number; time: string; actor: { kind: string; id: string; name: string }; action: string; target: string; detail: Record<string, unknown>; request_id: string; peer: string }

export const postV1Session = (body: { email: string; password: string; org?: string }, options: CallOptions = {}): Promise<SignedIn> => call('POST', '/v1/session', { body, ...options });
export const postV1SessionRefresh = (options: CallOptions = {}): Promise<SignedIn> => call('POST', '/v1/session/refresh', options);
export const deleteV1Session = (options: CallOptions = {}): Promise<void> => call('DELETE', '/v1/session', options);
export const getV1Me = (options: CallOptions = {}): Promise<Me> => call('GET', '/v1/me', options);
export const getV1Logs = (query: object = {}, options: CallOptions = {}): Promise<LogPage> => call('GET', '/v1/logs', { query, ...options });
export const getV1LogsHistogram = (query: object = {}, options: CallOptions = {}): Promise<Histogram> => call('GET', '/v1/logs/histogram', { query, ...options });
export const getV1LogsContext = (query: object, options: CallOptions = {}): Promise<LogContext> => call('GET', '/v1/logs/context', { query, ...options });
export const getV1LogsTemplates = (query: object = {}, options: CallOptions = {}): Promise<LogTemplates> => call('GET', '/v1/logs/templates', { query, ...options });
export const getV1MetricsLabels = (query: object = {}, options: CallOptions = {}): Promise<MetricLabels> => call('GET', '/v1/metrics/labels', { query, ...options });
export const getV1MetricsQuery = (query: object, options: CallOptions = {}): Promise<MetricAnswer> => call('GET', '/v1/metrics/query', { query, ...options });
export const getV1Agents = (query: object = {}, options: CallOptions = {}): Promise<AgentPage> => call('GET', '/v1/agents', { query, ...options });
export const postV1AgentsTokens = (body: { valid_for?: string }, options: CallOptions = {}): Promise<EnrolToken> => call('POST', '/v1/agents/tokens', { body, ...options });
export const postV1AgentsByIdRevoke = (id: string, options: CallOptions = {}): Promise<{ id: string; state: string }> => call('POST', `/v1/agents/${encodeURIComponent(id)}/revoke`, options);
export const getV1Users = (options: CallOptions = {}): Promise<Users> => call('GET', '/v1/users', options);
export const postV1Users = (body: object, options: CallOptions = {}): Promise<User & { password?: string }> => call('POST', '/v1/users', { body, ...options });
export const patchV1UsersById = (id: string, body: object, options: CallOptions = {}): Promise<User> => call('PATCH', `/v1/users/${encodeURIComponent(id)}`, { body, ...options });
export const getV1Keys = (options: CallOptions = {}): Promise<ApiKeys> => call('GET', '/v1/keys', options);
export const postV1Keys = (body: object, options: CallOptions = {}): Promise<ApiKey> => call('POST', '/v1/keys', { body, ...options });
export const deleteV1KeysById = (id: string, options: CallOptions = {}): Promise<void> => call('DELETE', `/v1/keys/${encodeURIComponent(id)}`, options);
export const getV1Audit = (query: object = {}, options: CallOptions = {}): Promise<{ entries: AuditEntry[]; next_cursor: string | null }> => call('GET', '/v1/audit', { query, ...options });
export const getV1LogsLivePath = '/v1/logs/live';
export interface Users { users: User[] }
export interface ApiKeys { keys: ApiKey[] }
export interface GetV1LogsQuery { from?: string; to?: string; service?: string; host?: string; source?: string; level?: string; template?: string; text?: string[]; itext?: string[]; regex?: string[]; limit?: number; cursor?: string }
