// The typed client of the API, made from /openapi.json by tools/make_client.mjs. Not for editing.
import { call, type CallOptions } from './http';

// The program on one host that collects and ships.
export interface Agent {
  id: string;
  host: string;
  version: string;
  state: 'online' | 'offline' | 'revoked';
  enrolled: string;
  last_seen: string | null;
  certificate_not_after: string;
  // waiting on its disk
  spool_bytes: number;
  // records it could not keep
  dropped_total: number;
  // how far it lags
  oldest_unsent_age_ms: number;
  // the last 100
  gaps: Gap[];
}

// The fleet, page by page.
export interface AgentPage {
  // in the order of their enrolment
  agents: Agent[];
  // for the page behind this one; null on the last
  next_cursor: string | null;
}

// An agent that is out of the fleet.
export interface AgentRevoked {
  id: string;
  state: 'revoked';
}

// What a program comes in with.
export interface ApiKey {
  id: string;
  // how the key begins
  prefix: string;
  label: string;
  role: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
  // empty: all of the role's permissions
  scopes: string[];
  created: string;
  expires: string | null;
  // exact to a minute
  last_used: string | null;
}

// The API keys that count.
export interface ApiKeys {
  // oldest first
  keys: ApiKey[];
}

// Who did it.
export interface AuditActor {
  // none: nobody had proved to be anybody
  kind: 'key' | 'user' | 'system' | 'none';
  id: string;
  // the person's e-mail or the key's label
  name: string;
}

// One thing that was done, or refused.
export interface AuditEntry {
  // grows with each entry
  id: number;
  time: string;
  actor: AuditActor;
  // what was done, like user.create
  action: string;
  // the id of what was changed
  target: string;
  // an object; never a secret
  detail: unknown;
  request_id: string;
  // the address that was connected
  peer: string;
}

// A page of the audit.
export interface AuditPage {
  // newest first
  entries: AuditEntry[];
  next_cursor: string | null;
}

// A one-time enrolment token.
export interface EnrolToken {
  // shown once
  token: string;
  expires: string;
  // sha256:<hex>
  ca_fingerprint: string;
  // to be run on the host
  command: string;
}

// How long a token shall hold.
export interface EnrolTokenRequest {
  // a duration, 1s to 1h; default 1h
  valid_for?: string;
}

// An agent's identity.
export interface Enrolled {
  agent_id: string;
  org: string;
  // PEM
  certificate: string;
  // PEM
  ca: string;
  // host:port to send to
  link: string;
}

// A host that wants to be an agent.
export interface Enrolment {
  // of POST /v1/agents/tokens
  token: string;
  // PEM
  csr: string;
  // its name, at most 255 bytes
  host: string;
}

// Blocks that will never come.
export interface Gap {
  epoch: string;
  lane: 'live' | 'recall' | 'control';
  // the first sequence that will never come
  from: number;
  // the last one
  to: number;
  reason: string;
}

// Logs by time and level.
export interface Histogram {
  from: string;
  to: string;
  // of a bucket; the first may begin before `from`, at a round time, and counts from `from` on
  step_ms: number;
  total: number;
  // false where a bound on the work made it an estimate, or ended it at `counted_from`
  exact: boolean;
  // before it nothing was counted
  counted_from: string;
  // all of them, empty ones too, oldest first
  buckets: HistogramBucket[];
  scanned: Scanned;
}

// How many logs there are in one step.
export interface HistogramBucket {
  // of its begin
  time: string;
  count: number;
  levels: LevelCounts;
}

// What answers here.
export interface Info {
  name: string;
  version: string;
}

// Rows by level; levels without any are left out.
export interface LevelCounts {
  unset?: number;
  trace?: number;
  debug?: number;
  info?: number;
  warn?: number;
  error?: number;
  fatal?: number;
}

// One log record.
export interface Log {
  // opaque; for /v1/logs/context
  id: string;
  time: string;
  level: 'unset' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  service: string;
  host: string;
  // the file, journal or port that it came from
  source: string;
  // the shape key of its line, 32 hex digits
  template: string;
  // the line; wrong UTF-8 as U+FFFD
  body: string;
  // the exact bytes, where they are not UTF-8
  body_base64url?: string;
  fields: Record<string, string>;
  // its own time was not believable; this is its arrival's
  time_suspect?: boolean;
  agent: string;
}

// A log and its neighbours in the same source.
export interface LogContext {
  // oldest first
  before: Log[];
  log: Log;
  // oldest first
  after: Log[];
}

// One message of /v1/logs/live.
export interface LogEvent {
  // skipped: the client was too slow, and goes on from now
  type: 'log' | 'skipped' | 'ping';
  // of a log
  log?: Log;
  // of skipped: how many logs the client missed
  count?: number;
  // to come back with; the id of a server-sent event, too
  cursor?: string;
}

// A page of a search. It may be empty and yet not be the last.
export interface LogPage {
  // newest first
  logs: Log[];
  // for the page behind this one; null on the last
  next_cursor: string | null;
  scanned: Scanned;
}

// What was stored since.
export interface LogTail {
  // in order of storage
  logs: Log[];
  // go on from here
  cursor: string;
}

// What lines of one event have in common.
export interface LogTemplate {
  // the shape key, 32 hex digits
  template: string;
  // the line with its variables masked as <*>
  text: string;
  // a line
  example: string;
  count: number;
  // to 10 s, within the range
  first: string;
  last: string;
  // of the rows looked at
  levels: LevelCounts;
  // of the rows looked at, at most 20
  services: string[];
  // how many
  hosts: number;
  // 30 equal parts of the range, oldest first
  buckets: number[];
}

// Logs grouped by template.
export interface LogTemplates {
  // by falling count
  templates: LogTemplate[];
  // a bound left rows or templates out
  truncated: boolean;
}

// A new API key.
export interface MadeApiKey {
  id: string;
  // how the key begins
  prefix: string;
  label: string;
  role: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
  // empty: all of the role's permissions
  scopes: string[];
  created: string;
  expires: string | null;
  last_used: string | null;
  // the key itself, shown this once
  key: string;
}

// A new user.
export interface MadeUser {
  id: string;
  email: string;
  name: string;
  role: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
  disabled: boolean;
  created: string;
  last_sign_in: string | null;
  // where none was given: shown this once
  password?: string;
}

// Who is asking, and what they may do.
export interface Me {
  // whose data this credential sees
  org: string;
  // what was sent as the credential
  kind: 'key' | 'token' | 'session';
  // of the API key, where one was sent
  key_prefix?: string;
  // of the person, where one is signed in
  user_id?: string;
  // the person's e-mail or the key's label
  name: string;
  role: string;
  // what the role and the key's scopes allow
  permissions: string[];
  server_version: string;
  server_time: string;
}

// A metric's points by step.
export interface MetricAnswer {
  name: string;
  unit: string;
  step_ms: number;
  agg: 'avg' | 'min' | 'max' | 'sum' | 'last' | 'count' | 'rate';
  // more than 100 series matched, or more blocks than one query may read
  truncated: boolean;
  // by labels
  series: MetricCurve[];
}

// One series' points.
export interface MetricCurve {
  // with `by`, those labels alone
  labels: Record<string, string>;
  // [[time, value], ...], ascending; steps without a point are left out
  points: unknown[][];
}

// One message of /v1/metrics/live.
export interface MetricEvent {
  // skipped: the client was too slow, and goes on from now
  type: 'points' | 'skipped' | 'ping';
  // of points: the metric
  name?: string;
  // of points
  labels?: Record<string, string>;
  // [[time, value], ...], in order of storage
  points?: unknown[][];
  // of skipped: how many messages or points the client missed
  count?: number;
  // to come back with; the id of a server-sent event, too
  cursor?: string;
}

// What there is to choose from.
export interface MetricLabels {
  // of metrics
  names: string[];
  // each key's values
  labels: Record<string, string[]>;
  truncated: boolean;
}

// A series that has points in the range.
export interface MetricSeriesEntry {
  name: string;
  unit: string;
  kind: 'gauge' | 'counter';
  // `host` among them
  labels: Record<string, string>;
  last: number;
  last_time: string;
  // in the range, by whole blocks
  points: number;
}

// The series of a range.
export interface MetricSeriesList {
  // by name, then labels
  series: MetricSeriesEntry[];
  // there are more than 10,000
  truncated: boolean;
}

// An API key to be.
export interface NewApiKey {
  // what it is for; 1 to 100 bytes
  label: string;
  role: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
  // names of permissions of the role; none: all of the role's
  scopes?: string[];
  // absent or null: never
  expires?: string | null;
}

// A user to be.
export interface NewUser {
  // unique in the org, in either case
  email: string;
  // at most 200 bytes
  name?: string;
  role: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
  // 10 to 256 bytes; absent: one is made, and given once
  password?: string;
}

// One's own password.
export interface PasswordChange {
  old: string;
  // 10 to 256 bytes
  new: string;
}

// Who is signed in.
export interface Person {
  id: string;
  email: string;
  name: string;
  role: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
}

// Why a request failed.
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: 'invalid' | 'not_found' | 'denied' | 'unavailable' | 'exhausted' | 'corrupt' | 'cancelled';
  // what we did, on what, what we found, what is allowed
  detail: string;
  request_id: string;
}

// What the answer cost.
export interface Scanned {
  // looked into
  blocks: number;
  // ruled out by their header
  blocks_pruned: number;
  // in the blocks looked into
  rows: number;
  // of blocks read from the store
  bytes: number;
  // that could not be read
  damaged_blocks: number;
}

// A point of a service; an array of them is taken as well.
export interface ServiceMetric {
  service_name: string;
  // the metric's name
  metric_type: string;
  value: number;
  tags?: Record<string, string>;
  timestamp?: string;
  id?: string;
}

// Who wants to come in.
export interface SignIn {
  email: string;
  password: string;
  // the default org where absent
  org?: string;
}

// A log, a metric or an event.
export interface SignalItem {
  // must be there on /v1/signals/ingest
  kind?: 'log' | 'metric' | 'event';
  // 1 to 128 bytes; an id that was accepted in the last 24 hours is not stored again
  id?: string;
  // absent: when it came
  time?: string;
  host?: string;
  // of a log or event
  service?: string;
  // of a log, required; at most 256 KiB
  body?: string;
  // of a log: trace, debug, info, warn, error, fatal
  level?: string;
  // of a log: at most 200 values; members of members become outer.inner
  fields?: Record<string, unknown>;
  // of a metric, required
  name?: string;
  // of a metric, required
  value?: number;
  // of a metric
  unit?: string;
  // of a metric
  metric_kind?: 'gauge' | 'counter';
  // of a metric: at most 60
  labels?: Record<string, string>;
  // of an event, required
  type?: string;
  // of an event
  source?: string;
  // of an event: what people read
  text?: string;
  // of an event: its members become fields
  payload?: unknown;
}

// What became of an item with an id, or of a rejected one.
export interface SignalItemAnswer {
  // in the request
  index: number;
  // as sent
  id?: string;
  status: 'accepted' | 'rejected';
  code?: string;
  // what was wrong with it
  detail?: string;
}

// Items to store; the bare array is taken as well.
export interface SignalItems {
  // at most 10,000
  items: SignalItem[];
}

// What became of the items; what is accepted is stored.
export interface SignalsAnswer {
  accepted: number;
  rejected: number;
  // those with an id, and the rejected ones
  items: SignalItemAnswer[];
}

// A session, and a token of it.
export interface SignedIn {
  // for "Authorization: Bearer"
  token: string;
  // of the token: ten minutes
  expires: string;
  // unless it is refreshed
  session_expires: string;
  user: Person;
  org: string;
}

// The process is there.
export interface Status {
  // "ok" while the process serves
  status: string;
}

// Somebody who may sign in.
export interface User {
  id: string;
  email: string;
  name: string;
  role: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
  disabled: boolean;
  created: string;
  last_sign_in: string | null;
}

// What shall be different.
export interface UserChange {
  name?: string;
  role?: 'viewer' | 'engineer' | 'manager' | 'approver' | 'admin';
  // true: the user's sessions end, and none begins
  disabled?: boolean;
  // 10 to 256 bytes; the user's sessions end
  password?: string;
}

// Everybody who may sign in.
export interface Users {
  // by e-mail
  users: User[];
}

// Whether the process serves
export function getHealthz(options: CallOptions = {}): Promise<Status> {
  return call('GET', '/healthz', { ...options });
}

// Whether the store takes commits; 503 with the reason where not
export function getReadyz(options: CallOptions = {}): Promise<Status> {
  return call('GET', '/readyz', { ...options });
}

// The server's own counters, as Prometheus text
export const getMetricsPath = '/metrics';

// Name and version
export function getV1Info(options: CallOptions = {}): Promise<Info> {
  return call('GET', '/v1/info', { ...options });
}

// As /healthz
export function getApiV1Health(options: CallOptions = {}): Promise<Status> {
  return call('GET', '/api/v1/health', { ...options });
}

// As /healthz
export function getActuatorHealth(options: CallOptions = {}): Promise<Status> {
  return call('GET', '/actuator/health', { ...options });
}

// As /metrics
export const getActuatorMetricsPath = '/actuator/metrics';

// As /v1/info
export function getActuatorInfo(options: CallOptions = {}): Promise<Info> {
  return call('GET', '/actuator/info', { ...options });
}

// Who is asking
export function getV1Me(options: CallOptions = {}): Promise<Me> {
  return call('GET', '/v1/me', { ...options });
}

// An agent's enrolment with a one-time token
export function postV1Enroll(body: Enrolment, options: CallOptions = {}): Promise<Enrolled> {
  return call('POST', '/v1/enroll', { body, ...options });
}

// A one-time enrolment token, and the command that uses it
export function postV1AgentsTokens(body: EnrolTokenRequest, options: CallOptions = {}): Promise<EnrolToken> {
  return call('POST', '/v1/agents/tokens', { body, ...options });
}

export interface GetV1LogsQuery {
  // RFC 3339, or before now like -15m; inclusive; default: an hour
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
  // exact
  service?: string;
  // exact
  host?: string;
  // exact
  source?: string;
  // this severity and above
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  // a shape key, 32 hex digits
  template?: string;
  // a substring, exact case; all that are given must match
  text?: string[];
  // the same, ignoring ASCII case
  itext?: string[];
  // RE2
  regex?: string[];
  // 1-1000, default 100
  limit?: number;
  // of the page before
  cursor?: string;
}

// Search logs, newest first
export function getV1Logs(query: GetV1LogsQuery = {}, options: CallOptions = {}): Promise<LogPage> {
  return call('GET', '/v1/logs', { query, ...options });
}

// OpenTelemetry logs: OTLP over HTTP, as Protobuf or JSON, answered in the same
export const postV1LogsPath = '/v1/logs';

export interface GetV1LogsTailQuery {
  // exact
  service?: string;
  // exact
  host?: string;
  // exact
  source?: string;
  // this severity and above
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  // a shape key, 32 hex digits
  template?: string;
  // a substring, exact case; all that are given must match
  text?: string[];
  // the same, ignoring ASCII case
  itext?: string[];
  // RE2
  regex?: string[];
  // of the answer before; without: begin now
  cursor?: string;
  // at most this long for news, up to 30s; default 10s
  wait?: string;
}

// What was stored since, oldest first; waits for news
export function getV1LogsTail(query: GetV1LogsTailQuery = {}, options: CallOptions = {}): Promise<LogTail> {
  return call('GET', '/v1/logs/tail', { query, ...options });
}

export interface GetV1LogsContextQuery {
  // of a log
  id: string;
  // how many, at most 200; default 20
  before?: number;
  // how many, at most 200; default 20
  after?: number;
}

// A log's neighbours in its source
export function getV1LogsContext(query: GetV1LogsContextQuery, options: CallOptions = {}): Promise<LogContext> {
  return call('GET', '/v1/logs/context', { query, ...options });
}

export interface GetV1LogsHistogramQuery {
  // RFC 3339, or before now like -15m; inclusive; default: an hour
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
  // exact
  service?: string;
  // exact
  host?: string;
  // exact
  source?: string;
  // this severity and above
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  // a shape key, 32 hex digits
  template?: string;
  // a substring, exact case; all that are given must match
  text?: string[];
  // the same, ignoring ASCII case
  itext?: string[];
  // RE2
  regex?: string[];
  // about so many, 10-500, default 60
  buckets?: number;
}

// Count logs by time and level
export function getV1LogsHistogram(query: GetV1LogsHistogramQuery = {}, options: CallOptions = {}): Promise<Histogram> {
  return call('GET', '/v1/logs/histogram', { query, ...options });
}

export interface GetV1LogsTemplatesQuery {
  // RFC 3339, or before now like -15m; inclusive; default: an hour
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
  // exact
  service?: string;
  // exact
  host?: string;
  // exact
  source?: string;
  // this severity and above
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  // a shape key, 32 hex digits
  template?: string;
  // 1-1000, default 200
  limit?: number;
}

// Group logs by template
export function getV1LogsTemplates(query: GetV1LogsTemplatesQuery = {}, options: CallOptions = {}): Promise<LogTemplates> {
  return call('GET', '/v1/logs/templates', { query, ...options });
}

export interface GetV1LogsExportQuery {
  // RFC 3339, or before now like -15m; inclusive; default: an hour
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
  // exact
  service?: string;
  // exact
  host?: string;
  // exact
  source?: string;
  // this severity and above
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  // a shape key, 32 hex digits
  template?: string;
  // a substring, exact case; all that are given must match
  text?: string[];
  // the same, ignoring ASCII case
  itext?: string[];
  // RE2
  regex?: string[];
  // default ndjson
  format?: 'ndjson' | 'csv';
}

// Every log that matches, oldest block first; the last NDJSON line is {"end":true,"rows":n}
export const getV1LogsExportPath = '/v1/logs/export';

export interface GetV1LogsLiveQuery {
  // exact
  service?: string;
  // exact
  host?: string;
  // exact
  source?: string;
  // this severity and above
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  // a shape key, 32 hex digits
  template?: string;
  // a substring, exact case; all that are given must match
  text?: string[];
  // the same, ignoring ASCII case
  itext?: string[];
  // RE2
  regex?: string[];
  // go on from there, as with Last-Event-ID; without: from now
  cursor?: string;
}

// Logs as they are stored: server-sent events or a WebSocket
export const getV1LogsLivePath = '/v1/logs/live';

export interface GetV1MetricsLiveQuery {
  // exact
  name?: string;
  // key:value; all that are given must match; `host` is a label
  label?: string[];
  // go on from there, as with Last-Event-ID; without: from now
  cursor?: string;
}

// Points of metrics as they are stored: server-sent events or a WebSocket
export const getV1MetricsLivePath = '/v1/metrics/live';

export interface GetApiMetricsLiveQuery {
  // exact
  name?: string;
  // key:value; all that are given must match; `host` is a label
  label?: string[];
  // go on from there, as with Last-Event-ID; without: from now
  cursor?: string;
}

// Points of metrics as they are stored: server-sent events or a WebSocket
export const getApiMetricsLivePath = '/api/metrics/live';

export interface GetV1MetricsQuery {
  // exact
  name?: string;
  // a substring of the name
  match?: string;
  // key:value; all that are given must match; `host` is a label
  label?: string[];
  // RFC 3339, or before now like -15m, which is the default; inclusive
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
}

// The series' names, labels and last values
export function getV1Metrics(query: GetV1MetricsQuery = {}, options: CallOptions = {}): Promise<MetricSeriesList> {
  return call('GET', '/v1/metrics', { query, ...options });
}

// OpenTelemetry metrics: OTLP over HTTP, as Protobuf or JSON, answered in the same
export const postV1MetricsPath = '/v1/metrics';

export interface GetV1MetricsLabelsQuery {
  // exact
  name?: string;
  // a substring of the name
  match?: string;
  // RFC 3339, or before now like -15m, which is the default; inclusive
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
}

// Names of metrics, and the labels' values
export function getV1MetricsLabels(query: GetV1MetricsLabelsQuery = {}, options: CallOptions = {}): Promise<MetricLabels> {
  return call('GET', '/v1/metrics/labels', { query, ...options });
}

export interface GetV1MetricsQueryQuery {
  // exact
  name: string;
  // key:value; all that are given must match; `host` is a label
  label?: string[];
  // RFC 3339, or before now like -15m, which is the default; inclusive
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
  // a duration of at least 1s; default: such that about 60 points come
  step?: string;
  // instead of step
  window?: '10s' | '1m' | '5m' | '15m';
  // default avg; rate is per second, of counters
  agg?: 'avg' | 'min' | 'max' | 'sum' | 'last' | 'count' | 'rate';
  // a label to keep; series are aggregated over all others
  by?: string[];
}

// Points of a metric, by step
export function getV1MetricsQuery(query: GetV1MetricsQueryQuery, options: CallOptions = {}): Promise<MetricAnswer> {
  return call('GET', '/v1/metrics/query', { query, ...options });
}

export interface GetApiMetricsAggregatedQuery {
  // exact
  name: string;
  // key:value; all that are given must match; `host` is a label
  label?: string[];
  // RFC 3339, or before now like -15m, which is the default; inclusive
  from?: string;
  // RFC 3339, or before now like -15m; exclusive; default: now
  to?: string;
  // a duration of at least 1s; default: such that about 60 points come
  step?: string;
  // instead of step
  window?: '10s' | '1m' | '5m' | '15m';
  // default avg; rate is per second, of counters
  agg?: 'avg' | 'min' | 'max' | 'sum' | 'last' | 'count' | 'rate';
  // a label to keep; series are aggregated over all others
  by?: string[];
}

// Points of a metric, by step
export function getApiMetricsAggregated(query: GetApiMetricsAggregatedQuery, options: CallOptions = {}): Promise<MetricAnswer> {
  return call('GET', '/api/metrics/aggregated', { query, ...options });
}

export interface GetV1AgentsQuery {
  // 1-1000, default 1000
  limit?: number;
  // of the page before
  cursor?: string;
}

// The fleet
export function getV1Agents(query: GetV1AgentsQuery = {}, options: CallOptions = {}): Promise<AgentPage> {
  return call('GET', '/v1/agents', { query, ...options });
}

// Take an agent out of the fleet; again is not an error
export function postV1AgentsByIdRevoke(id: string, options: CallOptions = {}): Promise<AgentRevoked> {
  return call('POST', `/v1/agents/${encodeURIComponent(id)}/revoke`, { ...options });
}

// Store logs, metrics and events; answered after the commit
export function postV1SignalsIngest(body: SignalItems, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/v1/signals/ingest', { body, ...options });
}

// The same; an item without a kind is a log
export function postIngestLogs(body: SignalItems, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/ingest/logs', { body, ...options });
}

// The same; an item without a kind is a metric
export function postIngestMetrics(body: SignalItems, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/ingest/metrics', { body, ...options });
}

// Spans as events of type span; their members become fields
export function postIngestTraces(body: SignalItems, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/ingest/traces', { body, ...options });
}

export interface PostIngestWebhookQuery {
  // the event's type; "webhook" where absent
  type?: string;
  source?: string;
  service?: string;
}

// Any JSON as one event
export function postIngestWebhook(query: PostIngestWebhookQuery = {}, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/ingest/webhook', { query, ...options });
}

// One event, or an array of them
export function postApiV1Events(body: SignalItems, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/api/v1/events', { body, ...options });
}

// One event, or an array of them
export function postApiEvents(body: SignalItems, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/api/events', { body, ...options });
}

// A point of a service, or an array of them
export function postApiMetrics(body: ServiceMetric, options: CallOptions = {}): Promise<SignalsAnswer> {
  return call('POST', '/api/metrics', { body, ...options });
}

// Prometheus remote_write, version 1
export const postApiV1WritePath = '/api/v1/write';

// Sign in: a token, and the page's cookie
export function postV1Session(body: SignIn, options: CallOptions = {}): Promise<SignedIn> {
  return call('POST', '/v1/session', { body, ...options });
}

// Sign out: the session and its tokens are over at once
export function deleteV1Session(options: CallOptions = {}): Promise<void> {
  return call('DELETE', '/v1/session', { ...options });
}

// A new token for the session of the cookie
export function postV1SessionRefresh(options: CallOptions = {}): Promise<SignedIn> {
  return call('POST', '/v1/session/refresh', { ...options });
}

// Change one's own password; one's other sessions end
export function postV1MePassword(body: PasswordChange, options: CallOptions = {}): Promise<void> {
  return call('POST', '/v1/me/password', { body, ...options });
}

// The users
export function getV1Users(options: CallOptions = {}): Promise<Users> {
  return call('GET', '/v1/users', { ...options });
}

// Add a user
export function postV1Users(body: NewUser, options: CallOptions = {}): Promise<MadeUser> {
  return call('POST', '/v1/users', { body, ...options });
}

// Change, disable or enable a user; the last admin stays one
export function patchV1UsersById(id: string, body: UserChange, options: CallOptions = {}): Promise<User> {
  return call('PATCH', `/v1/users/${encodeURIComponent(id)}`, { body, ...options });
}

// The API keys
export function getV1Keys(options: CallOptions = {}): Promise<ApiKeys> {
  return call('GET', '/v1/keys', { ...options });
}

// Make an API key; its text comes once
export function postV1Keys(body: NewApiKey, options: CallOptions = {}): Promise<MadeApiKey> {
  return call('POST', '/v1/keys', { body, ...options });
}

// Revoke an API key, felt at once
export function deleteV1KeysById(id: string, options: CallOptions = {}): Promise<void> {
  return call('DELETE', `/v1/keys/${encodeURIComponent(id)}`, { ...options });
}

export interface GetV1AuditQuery {
  // [from, to); relative ones like -7d too
  from?: string;
  to?: string;
  // this action alone
  action?: string;
  // 1 to 1000, usually 100
  limit?: number;
  // of the page before
  cursor?: string;
}

// Who did what, newest first
export function getV1Audit(query: GetV1AuditQuery = {}, options: CallOptions = {}): Promise<AuditPage> {
  return call('GET', '/v1/audit', { query, ...options });
}

// This API as OpenAPI 3.1, made from the route table
export function getOpenapiJson(options: CallOptions = {}): Promise<unknown> {
  return call('GET', '/openapi.json', { ...options });
}

// The page
export const getPath = '/';

// This description, to read
export const getDocsPath = '/docs';

// The page's icon
export const getIconSvgPath = '/icon.svg';

// A file that the page needs
export const getAssetsByFilePath = '/assets/{file}';
