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
  // what it says, as a witness, contradicts the audit's history
  audit_alarm: string | null;
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

// The audit's length and root, signed.
export interface AuditCheckpoint {
  // the signed checkpoint, base64url
  envelope: string;
  // entries
  size: number;
  // of their Merkle tree, hex
  root: string;
  at: string;
  // that signed it, hex
  public_key: string;
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

// That one tree begins with another.
export interface AuditProof {
  from: number;
  to: number;
  // hashes, hex, as RFC 6962 section 2.1.2 orders them
  proof: string[];
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
  // the public key that signs the audit's checkpoints, hex
  audit_key: string;
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

// What somebody signed about a plan.
export interface FixApproval {
  person: string;
  decision: 'approve' | 'veto';
  // as its signer says
  at: string;
  envelope: string;
}

// How far the approval of a plan is.
export interface FixApprovalCounted {
  // distinct persons whose approval counts
  counted: number;
  needed: number;
  state: 'waiting' | 'approved' | 'running' | 'stopped' | 'done' | 'failed' | 'vetoed' | 'expired' | 'rolling_back' | 'rolled_back';
}

// What an approver signed.
export interface FixApprove {
  plan: string;
  // a signed Approval
  envelope: string;
}

// A program with its arguments; never a shell string.
export interface FixArgv {
  // absolute
  path: string;
  // of the program, 64 hex digits; absent: as the host's policy has it
  sha256?: string;
  arguments?: string[];
  // all of it
  environment?: Record<string, string>;
  working_directory?: string;
  // a name
  user: string;
}

// Something that a runner looked at.
export interface FixCheck {
  name: string;
  // unknown never passes
  verdict: 'holds' | 'fails' | 'unknown';
  detail: string;
}

// Something that takes its time.
export interface FixCommand {
  id: string;
  kind: 'preflight' | 'execute' | 'rollback';
  plan: string;
  state: 'running' | 'done';
  // by index
  steps: FixCommandStep[];
}

// To be looked at under /v1/commands.
export interface FixCommandBegun {
  command: string;
  plan: string;
  state: 'waiting' | 'approved' | 'running' | 'stopped' | 'done' | 'failed' | 'vetoed' | 'expired' | 'rolling_back' | 'rolled_back';
}

// How far a command is with one step.
export interface FixCommandStep {
  index: number;
  host_name: string;
  // of the step; of a preflight: waiting, done, offline, refused, no_answer
  state: string;
  detail: string;
  // of a preflight
  checks: FixCheck[];
  // the newest, of a run or a rollback
  result: FixReceipt | null;
}

// Something to run.
export interface FixExec {
  // this or action
  argv?: FixArgv;
  // one of the runner's built-in actions, like unit.restart
  action?: string;
  // of the action: an object of texts and whole numbers
  arguments?: unknown;
  // 1ms to 1h
  timeout: string;
  // kept of its output, at most 32768; usually 8192
  output_bytes?: number;
}

// Steps that are approved together.
export interface FixPlan {
  id: string;
  title: string;
  requester: string;
  state: 'waiting' | 'approved' | 'running' | 'stopped' | 'done' | 'failed' | 'vetoed' | 'expired' | 'rolling_back' | 'rolled_back';
  created: string;
  not_after: string;
  // of its steps
  count: number;
  hosts: number;
  risk_max: number;
  // of the Merkle tree over the steps' bytes, hex
  root: string;
  // persons; 0: the trust file forbids it
  approvals_needed: number;
  // by index
  steps: FixStep[];
  // oldest first
  approvals: FixApproval[];
}

// A plan in a list.
export interface FixPlanHead {
  id: string;
  title: string;
  requester: string;
  state: 'waiting' | 'approved' | 'running' | 'stopped' | 'done' | 'failed' | 'vetoed' | 'expired' | 'rolling_back' | 'rolled_back';
  created: string;
  not_after: string;
  // of its steps
  count: number;
  hosts: number;
  risk_max: number;
}

// What the plan is now.
export interface FixPlanState {
  plan: string;
  state: 'waiting' | 'approved' | 'running' | 'stopped' | 'done' | 'failed' | 'vetoed' | 'expired' | 'rolling_back' | 'rolled_back';
}

// A page of the plans.
export interface FixPlans {
  // newest first
  plans: FixPlanHead[];
  next_cursor: string | null;
}

// A built-in probe that must hold.
export interface FixPrecondition {
  action: string;
  arguments?: unknown;
}

// What a runner signed about a step.
export interface FixReceipt {
  // of the step
  index: number;
  // its id, hex
  step: string;
  host: string;
  host_name: string;
  phase: 'exec' | 'rollback';
  state: 'not_started' | 'done' | 'failed' | 'unknown' | 'refused';
  code: string;
  detail: string;
  exit_status: number;
  // 0: none
  signal: number;
  started: string | null;
  ended: string | null;
  // redacted by the runner, cut to what the step allows
  output: string;
  // all that came
  output_bytes: number;
  // in the runner's chain of results; 0: a refusal, which is in none
  sequence: number;
  // signed by the runner: the truth of all above
  envelope: string;
}

// All that runners signed about a plan.
export interface FixReceipts {
  plan: string;
  // in the order of arrival
  receipts: FixReceipt[];
}

// One thing to do on one host, and how far it is.
export interface FixStep {
  index: number;
  // SHA-256 of the bytes, hex
  id: string;
  // what is approved and run (docs/warrant.md)
  bytes: string;
  // 64 hex digits
  host: string;
  host_name: string;
  state: 'waiting' | 'dispatched' | 'not_started' | 'done' | 'failed' | 'unknown' | 'refused' | 'expired';
  // of a refusal, or of how it ended
  code: string;
  detail: string;
  rollback_state: 'waiting' | 'dispatched' | 'not_started' | 'done' | 'failed' | 'unknown' | 'refused' | 'expired' | null;
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

// A plan to be.
export interface NewFixPlan {
  // 1 to 200 bytes
  title: string;
  // 1s to 24h
  valid_for: string;
  // a person, who cannot approve it; absent: who asks
  requester?: string;
  // 1 to 10000
  steps: NewFixStep[];
}

// One thing to do on one host.
export interface NewFixStep {
  // a runner's host name, or its 64-hex id
  host: string;
  exec: FixExec;
  // read-only; exits 0 where the step's effect is there, 1 where it is not
  probe?: FixExec;
  rollback?: FixExec;
  rollback_on_failure?: boolean;
  // rolled back unless a keep comes so soon after its end
  keep_within?: string;
  effect: 'read_only' | 'idempotent' | 'once';
  // 0 to 4
  risk: number;
  // persons, at least 1; trust and the host may ask for more
  approvals?: number;
  preconditions?: FixPrecondition[];
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

// The plan that is meant.
export interface OfFixPlan {
  plan: string;
}

// The server's own public keys, hex.
export interface OnlineKeys {
  planner: string;
  freshness: string;
  audit: string;
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

// The program that runs approved steps on one host.
export interface Runner {
  // that speaks for it
  agent: string;
  // SHA-256 of the public key, hex
  host: string;
  // hex; its results are signed with it
  public_key: string;
  // as the host itself knows it
  host_name: string;
  // of its enrolment
  epoch: number;
  version: string;
  // of its local policy, hex
  policy_hash: string;
  // that it has
  trust_version: number;
  revocation_version: number;
  // the highest of a dispatch that it has accepted
  sequence: number;
  // of its newest result
  result_sequence: number;
  // whether it runs anything
  execution: boolean;
  // where it does not
  why_not: string;
  // whether its agent has a link
  online: boolean;
  // exact to a minute
  last_seen: string;
}

// Every runner that was ever seen.
export interface Runners {
  // by agent
  runners: Runner[];
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

// A DSSE envelope (docs/warrant.md).
export interface SignedEnvelope {
  // signed by root keys
  envelope: string;
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

// What is current now.
export interface SignedVersion {
  version: number;
}

// The process is there.
export interface Status {
  // "ok" while the process serves
  status: string;
}

// Who may sign what.
export interface Trust {
  // 0: there is none yet
  version: number;
  // the newest trust file
  envelope: string | null;
  // every version, ascending
  chain: string[];
  // what a host is told when it is enrolled
  root_fingerprint: string | null;
  // the newest list of what is revoked
  revocation: string | null;
  revocation_version: number;
  online_keys: OnlineKeys;
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

// The newest signed checkpoint of the audit
export function getV1AuditCheckpoint(options: CallOptions = {}): Promise<AuditCheckpoint> {
  return call('GET', '/v1/audit/checkpoint', { ...options });
}

export interface GetV1AuditProofQuery {
  // the earlier size, at least 1
  from?: number;
  // the later size; default that of the newest checkpoint
  to?: number;
}

// That the audit begins with what it was
export function getV1AuditProof(query: GetV1AuditProofQuery = {}, options: CallOptions = {}): Promise<AuditProof> {
  return call('GET', '/v1/audit/proof', { query, ...options });
}

export interface GetV1AuditExportQuery {
  // the first leaf; default 0
  from?: number;
  // at most so many leaves; where there are more, the last line is {"next":leaf}
  limit?: number;
}

// Every leaf of the audit with its entry; the last line has the newest signed checkpoint
export const getV1AuditExportPath = '/v1/audit/export';

// Who may sign what, and the server's own keys
export function getV1Trust(options: CallOptions = {}): Promise<Trust> {
  return call('GET', '/v1/trust', { ...options });
}

// The next version of the trust file, signed by root keys
export function postV1Trust(body: SignedEnvelope, options: CallOptions = {}): Promise<SignedVersion> {
  return call('POST', '/v1/trust', { body, ...options });
}

// The next list of what is revoked, signed by a root key
export function postV1TrustRevocations(body: SignedEnvelope, options: CallOptions = {}): Promise<SignedVersion> {
  return call('POST', '/v1/trust/revocations', { body, ...options });
}

// The runners
export function getV1Runners(options: CallOptions = {}): Promise<Runners> {
  return call('GET', '/v1/runners', { ...options });
}

// Make a plan of steps; nothing runs by it
export function postV1FixPlan(body: NewFixPlan, options: CallOptions = {}): Promise<FixPlan> {
  return call('POST', '/v1/fix/plan', { body, ...options });
}

export interface GetV1FixPlansQuery {
  // 1-500, default 100
  limit?: number;
  // of the page before
  cursor?: string;
}

// The plans, newest first
export function getV1FixPlans(query: GetV1FixPlansQuery = {}, options: CallOptions = {}): Promise<FixPlans> {
  return call('GET', '/v1/fix/plans', { query, ...options });
}

// A plan with its steps and approvals
export function getV1FixPlansById(id: string, options: CallOptions = {}): Promise<FixPlan> {
  return call('GET', `/v1/fix/plans/${encodeURIComponent(id)}`, { ...options });
}

// What the runners signed about a plan
export function getV1FixPlansByIdReceipts(id: string, options: CallOptions = {}): Promise<FixReceipts> {
  return call('GET', `/v1/fix/plans/${encodeURIComponent(id)}/receipts`, { ...options });
}

// Ask the runners what they would say; nothing runs
export function postV1FixPreflight(body: OfFixPlan, options: CallOptions = {}): Promise<FixCommandBegun> {
  return call('POST', '/v1/fix/preflight', { body, ...options });
}

// A signed approval or veto of a plan
export function postV1FixApprove(body: FixApprove, options: CallOptions = {}): Promise<FixApprovalCounted> {
  return call('POST', '/v1/fix/approve', { body, ...options });
}

// Run an approved plan, in waves; again is the same command
export function postV1FixExecute(body: OfFixPlan, options: CallOptions = {}): Promise<FixCommandBegun> {
  return call('POST', '/v1/fix/execute', { body, ...options });
}

// Begin nothing more of a plan, and stop what runs
export function postV1FixStop(body: OfFixPlan, options: CallOptions = {}): Promise<FixPlanState> {
  return call('POST', '/v1/fix/stop', { body, ...options });
}

// Roll back what has ended, last first
export function postV1FixRollback(body: OfFixPlan, options: CallOptions = {}): Promise<FixCommandBegun> {
  return call('POST', '/v1/fix/rollback', { body, ...options });
}

// Keep what would be rolled back by itself
export function postV1FixKeep(body: OfFixPlan, options: CallOptions = {}): Promise<FixPlanState> {
  return call('POST', '/v1/fix/keep', { body, ...options });
}

// How far a command is
export function getV1CommandsById(id: string, options: CallOptions = {}): Promise<FixCommand> {
  return call('GET', `/v1/commands/${encodeURIComponent(id)}`, { ...options });
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
