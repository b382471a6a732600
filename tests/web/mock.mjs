// For developing the page alone, and for nothing else: made-up answers in the shape of docs/api.md, and the built page
// under the policy that the real server sends. No test uses it; tests/web/walk.mjs walks through the real server.
//
//   node tests/web/mock.mjs build/web/dist 8090        any e-mail with the password "reeve-reeve" signs in
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const [root = 'dist', port = '8090'] = process.argv.slice(2);
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

const hosts = ['web-1', 'web-2', 'db-1', 'cart-1'];
const kinds = [
  ['info', 'shop', (n) => `GET /cart/${n} 200 in ${n % 90} ms`],
  ['info', 'shop', (n) => `GET /product/${n % 500} 200 in ${n % 40} ms`],
  ['debug', 'cart', (n) => `pool has ${n % 9} of 10 connections in use`],
  ['warn', 'cart', (n) => `waited ${n % 4000} ms for a connection from the pool`],
  ['error', 'shop', (n) => `payment ${n} failed: card declined by issuer, retry ${n % 3} of 3`],
  ['info', 'postgres', (n) => `checkpoint complete: wrote ${n % 800} buffers (${n % 9}.1%)`],
  ['fatal', 'cart', (n) => `out of memory: cannot allocate ${n} bytes <b>not bold</b>`],
];
const weights = [40, 30, 12, 8, 4, 8, 0.4];
const pick = (seed) => {
  let left = (seed % 1000) / 1000 * weights.reduce((a, b) => a + b);
  return kinds[Math.max(0, weights.findIndex((weight) => (left -= weight) < 0))];
};
const mix = (n) => ((n * 2654435761) >>> 0) % 100000;
function logAt(ms) {
  const n = mix(Math.floor(ms / 700));
  const [level, service, text] = pick(n);
  return {
    id: `id-${ms}`, time: new Date(ms).toISOString(), level, service, host: hosts[n % 4], source: `/var/log/${service}.log`,
    template: String(kinds.findIndex((kind) => kind[2] === text)).repeat(32), body: text(n),
    fields: n % 3 ? { 'http.status': 200, trace_id: n.toString(16), 'user.agent': 'curl/8' } : {}, agent: 'a',
  };
}
const rangeOf = (query) => {
  const at = (text, otherwise) => {
    const back = /^-(\d+)([smhd])$/.exec(text ?? '');
    return back ? Date.now() - back[1] * { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[back[2]] : text ? Date.parse(text) : otherwise;
  };
  return [at(query.get('from'), Date.now() - 36e5), at(query.get('to'), Date.now())];
};
const order = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const matches = (log, query) =>
  ['service', 'host', 'source', 'template'].every((name) => !query.get(name) || log[name] === query.get(name)) &&
  (!query.get('level') || order.indexOf(log.level) >= order.indexOf(query.get('level'))) &&
  query.getAll('itext').every((word) => log.body.toLowerCase().includes(word.toLowerCase())) &&
  query.getAll('text').every((word) => log.body.includes(word));

const agent = (host, more) => ({
  id: `0199-${host}`, host, version: '0.1.0', state: 'online', enrolled: '2026-03-01T08:00:00Z', last_seen: new Date().toISOString(),
  certificate_not_after: new Date(Date.now() + 61 * 864e5).toISOString(), spool_bytes: 0, dropped_total: 0, oldest_unsent_age_ms: 140, gaps: [], ...more,
});
const agents = [
  agent('web-1'), agent('web-2', { spool_bytes: 48_000_000, oldest_unsent_age_ms: 95_000 }), agent('cart-1', { dropped_total: 12 }),
  agent('db-1', { state: 'offline', last_seen: '2026-11-21T08:00:00Z', gaps: [{ epoch: 'e', lane: 'live', from: 17, to: 19, reason: 'damaged on disk' }] }),
  agent('old-1', { state: 'revoked', certificate_not_after: '2026-01-01T00:00:00Z' }),
];
const user = { id: 'u', email: 'ana@example.org', name: 'Ana', role: 'admin', disabled: false, created: '2026-01-01T00:00:00Z', last_sign_in: null };
const sessionNow = () => ({ token: 'jwt', expires: new Date(Date.now() + 6e5).toISOString(), session_expires: new Date(Date.now() + 4e7).toISOString(), user, org: 'default' });
const names = ['system.cpu.utilization', 'system.cpu.load_average.1m', 'system.memory.usage', 'system.memory.utilization', 'system.disk.io', 'system.filesystem.utilization', 'system.network.io', 'system.pressure.utilization', 'system.paging.faults'];
const labelValues = { host: hosts, 'cpu.mode': ['idle', 'iowait', 'system', 'user'], 'system.memory.state': ['buffers', 'cached', 'free', 'used'], 'disk.io.direction': ['read', 'write'], 'network.io.direction': ['receive', 'transmit'], 'system.filesystem.mountpoint': ['/', '/var'], 'system.pressure.resource': ['cpu', 'io', 'memory'] };

const routes = {
  'GET /v1/logs': (query) => {
    const [from, to] = rangeOf(query);
    const found = [];
    for (let ms = query.get('cursor') ? Number(query.get('cursor')) : to - (to % 700); ms >= from && found.length < 200; ms -= 700) {
      const log = logAt(ms);
      if (matches(log, query)) found.push(log);
    }
    const more = found.length === 200;
    return { logs: found, next_cursor: more ? String(Date.parse(found.at(-1).time) - 700) : null, scanned: { blocks: 9, blocks_pruned: 4, rows: 900, damaged_blocks: 0 } };
  },
  'GET /v1/logs/histogram': (query) => {
    const [from, to] = rangeOf(query);
    const step = (to - from) / 60;
    const buckets = Array.from({ length: 60 }, (_, i) => {
      const levels = {};
      const each = Math.max(700, step / 80);
      for (let ms = from + i * step; ms < from + (i + 1) * step; ms += each) {
        const log = logAt(ms - (ms % 700));
        if (matches(log, query)) levels[log.level] = (levels[log.level] ?? 0) + Math.round(each / 700 * (1 + Math.sin(i / 7) / 2));
      }
      return { time: new Date(from + i * step).toISOString(), count: Object.values(levels).reduce((a, b) => a + b, 0), levels };
    });
    return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), step_ms: Math.round(step), total: buckets.reduce((a, b) => a + b.count, 0), exact: true, buckets };
  },
  'GET /v1/logs/context': (query) => {
    const ms = Number(query.get('id').slice(3));
    const around = (sign) => Array.from({ length: Number(query.get('before')) }, (_, i) => logAt(ms + sign * 700 * (i + 1)));
    return { before: around(-1).reverse(), log: logAt(ms), after: around(1) };
  },
  'GET /v1/logs/templates': () => ({
    templates: kinds.map(([level, service, text], i) => ({
      template: String(i).repeat(32), text: text(0).replace(/\d+/g, '<*>'), count: Math.round(weights[i] * 311), first: new Date(Date.now() - 36e5).toISOString(), last: new Date(Date.now() - i * 5e4).toISOString(),
      example: text(4711), levels: { [level]: 1 }, services: [service], hosts: 4 - (i % 3), buckets: Array.from({ length: 30 }, (_, at) => mix(i * 30 + at) % Math.ceil(weights[i] * 10)),
    })).sort((a, b) => b.count - a.count), truncated: false,
  }),
  'GET /v1/metrics/labels': (query) => ({ names, labels: query.get('name') ? { host: hosts, 'cpu.mode': labelValues['cpu.mode'] } : { host: hosts }, truncated: false }),
  'GET /v1/metrics/query': (query) => {
    const [from, to] = rangeOf(query);
    const name = query.get('name');
    const by = query.getAll('by')[0] ?? 'host';
    const unit = /utilization/.test(name) ? '1' : /usage|io$/.test(name) ? 'By' : '{x}';
    const size = unit === '1' ? 0.25 : unit === 'By' ? 3e8 : 2;
    const only = query.getAll('label').find((each) => each.startsWith(`${by}:`))?.split(':')[1];
    const values = only ? [only] : labelValues[by] ?? ['x'];
    const series = values.map((value, s) => ({ labels: { [by]: value }, points: Array.from({ length: 60 }, (_, i) => [new Date(from + (i / 60) * (to - from)).toISOString(), size * (1 + s * 0.4 + Math.sin(i / 6 + s) / 2 + (mix(i * 7 + s) % 100) / 400)]) }));
    return { name, unit, step_ms: (to - from) / 60, agg: query.get('agg') ?? 'avg', truncated: false, series };
  },
  'GET /v1/agents': () => ({ agents }),
  'POST /v1/agents/tokens': () => {
    const name = `new-${agents.length}`;
    setTimeout(() => agents.push(agent(name)), 4000);
    return { token: 'rvt_x', expires: new Date(Date.now() + 36e5).toISOString(), ca_fingerprint: 'sha256:ab', command: 'reeve-agent enroll --server https://reeve.example.org:8443 --token rvt_8aZk3nVq0Yw5r1XbC7TtPm --ca-fingerprint sha256:9f2c51d4b8e07a6639d1c4f0be8827a15df3e6b90c4472d18ea5f0c36b9d7e21' };
  },
  'GET /v1/me': () => ({ org: 'default', kind: 'token', name: user.email, role: 'admin', permissions: ['signals.read', 'agents.write', 'org.admin', 'reports.read'], server_version: '0.1.0', server_time: new Date().toISOString() }),
  'GET /v1/users': () => ({ users: [user, { ...user, id: 'u2', email: 'ben@example.org', name: 'Ben', role: 'viewer' }] }),
  'GET /v1/keys': () => ({ keys: [{ id: 'k', prefix: 'rvk_ab12', label: 'ci', role: 'engineer', scopes: ['signals.write'], created: '2026-01-01T00:00:00Z', expires: null, last_used: null }] }),
  'GET /v1/audit': () => ({ entries: [{ id: 1, time: new Date().toISOString(), actor: { kind: 'user', id: 'u', name: 'ana@example.org' }, action: 'session.create', target: 'ana@example.org', detail: {}, request_id: 'r', peer: '10.0.0.7' }], next_cursor: null }),
};

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://x');
  const json = (status, body) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(body && JSON.stringify(body));
  const text = await new Promise((done) => { let all = ''; request.on('data', (chunk) => (all += chunk)).on('end', () => done(all)); });
  const key = `${request.method} ${url.pathname}`;
  if (key === 'POST /v1/session') {
    const good = JSON.parse(text).password === 'reeve-reeve';
    if (good) response.setHeader('Set-Cookie', 'reeve_session=1; HttpOnly; SameSite=Strict; Path=/');
    return good ? json(200, sessionNow()) : json(401, { status: 401, code: 'denied', detail: 'e-mail or password is wrong' });
  }
  if (key === 'POST /v1/session/refresh') return /reeve_session=1/.test(request.headers.cookie) ? json(200, sessionNow()) : json(401, { detail: 'no session' });
  if (key === 'DELETE /v1/session') return response.writeHead(204, { 'Set-Cookie': 'reeve_session=; Max-Age=0; Path=/' }).end();
  if (/revoke$/.test(key)) { agents.find((each) => key.includes(each.id)).state = 'revoked'; return json(200, {}); }
  if (key === 'GET /v1/logs/live') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    let at = Date.now();
    const timer = setInterval(() => {
      const log = logAt((at += 700));
      if (matches(log, url.searchParams)) response.write(`id: ${at}\ndata: ${JSON.stringify({ type: 'log', log })}\n\n`);
    }, 350);
    return request.on('close', () => clearInterval(timer));
  }
  if (routes[key]) return json(key.startsWith('POST') ? 201 : 200, routes[key](url.searchParams));
  try {
    const path = { '/': '/index.html', '/docs': '/docs.html' }[url.pathname] ?? url.pathname;
    const body = readFileSync(join(root, path.replaceAll('..', '')));
    response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': policy }).end(body);
  } catch {
    json(404, { status: 404, code: 'not_found', detail: `there is no ${url.pathname}` });
  }
}).listen(Number(port), '127.0.0.1');
