// The page's pure functions and its client generator, without a browser. tests/e2e/test_page.py calls it where the page
// was built, because esbuild lies there:  node lib_test.mjs SERVER_WEB
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const source = process.argv[2];
const { buildSync } = createRequire(join(process.cwd(), 'x.js'))('esbuild');
async function load(name) {
  const built = buildSync({ entryPoints: [join(source, 'src/lib', name)], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript;base64,${Buffer.from(built.outputFiles[0].text).toString('base64')}`);
}
const { parseSearch, splitAtHits, headOf } = await load('search.ts');
const { relativeMs, endsOf, lengthOf, shortTime } = await load('time.ts');
const { bytes, withUnit } = await load('units.ts');
const { makeClient } = await import(pathToFileURL(join(source, 'tools/make_client.mjs')));

const tests = {
  'words, phrases, patterns and fields are told apart'() {
    assert.deepEqual(parseSearch('card declined'), { itext: ['card', 'declined'] });
    assert.deepEqual(parseSearch('"Card declined" x'), { text: ['Card declined'], itext: ['x'] });
    assert.deepEqual(parseSearch('/took \\d{4,} ms/'), { regex: ['took \\d{4,} ms'] });
    assert.deepEqual(parseSearch('service:shop host:web-1 level:warn'), { service: 'shop', host: 'web-1', level: 'warn' });
    assert.deepEqual(parseSearch('source:/var/log/a:b.log'), { source: '/var/log/a:b.log' });
  },
  'what is half typed is no error'() {
    assert.deepEqual(parseSearch(''), {});
    assert.deepEqual(parseSearch('"open phra'), { text: ['open phra'] });
    assert.deepEqual(parseSearch('level:war').level, undefined);
    assert.deepEqual(parseSearch('service:'), { itext: ['service:'] });
    assert.deepEqual(parseSearch('GET /cart'), { itext: ['GET', '/cart'] });
  },
  'hits are marked as they were searched for'() {
    assert.deepEqual(splitAtHits('Card CARD card', { itext: ['card'] }), ['', 'Card', ' ', 'CARD', ' ', 'card', '']);
    assert.deepEqual(splitAtHits('Card card', { text: ['card'] }), ['Card ', 'card', '']);
    assert.deepEqual(splitAtHits('a.b a+b', { itext: ['a.b'] }), ['', 'a.b', ' a+b']);
    assert.deepEqual(splitAtHits('as it is', {}), ['as it is']);
  },
  'a line without a head has none'() {
    assert.equal(headOf('2026-03-01T12:00:00.123Z ERROR no'), '2026-03-01T12:00:00.123Z ERROR ');
    assert.equal(headOf('GET /2026-03-01'), '');
    assert.equal(headOf(''), '');
  },
  'ranges are relative or two moments'() {
    assert.equal(relativeMs('-15m'), 900_000);
    assert.equal(relativeMs('-7d'), 604_800_000);
    assert.equal(relativeMs('2026-01-01T00:00:00Z'), undefined);
    assert.equal(relativeMs('-15'), undefined);
    assert.deepEqual(endsOf({ from: '-1h', to: '' }, 3_600_000), [0, 3_600_000]);
    assert.deepEqual(endsOf({ from: '1970-01-01T00:00:01Z', to: '1970-01-01T00:00:02Z' }), [1000, 2000]);
  },
  'lengths of time have two units at most'() {
    assert.equal(lengthOf(0), '0 ms');
    assert.equal(lengthOf(999), '999 ms');
    assert.equal(lengthOf(59_400), '59 s');
    assert.equal(lengthOf(3_600_000), '1 h');
    assert.equal(lengthOf(90_061_000), '1 d 1 h');
    assert.match(shortTime(0, 60_000), /^\d\d:\d\d:\d\d$/);
  },
  'values carry their unit'() {
    assert.equal(bytes(0), '0 B');
    assert.equal(bytes(1536), '1.5 KiB');
    assert.equal(withUnit(0.256, '1'), '25.6 %');
    assert.equal(withUnit(2048, 'By', true), '2.0 KiB/s');
    assert.equal(withUnit(3, '{process}'), '3');
    assert.equal(withUnit(null, 'By'), '–');
  },
  'the client has a function for each operation that speaks JSON'() {
    const made = makeClient({
      components: { schemas: { A: { properties: { id: { type: 'string' }, n: { anyOf: [{ type: 'integer' }, { type: 'null' }] } }, required: ['id'] } } },
      paths: {
        '/v1/a/{id}': { post: { operationId: 'postV1AById', parameters: [{ name: 'id', in: 'path', schema: {} }, { name: 'q', in: 'query', schema: { type: 'array', items: { enum: ['x', 'y'] } } }], responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/A' } } } } } } },
        '/v1/live': { get: { operationId: 'getV1Live', responses: { 200: { content: { 'text/event-stream': {} } } } } },
      },
    });
    assert.match(made, /export interface A \{\n {2}id: string;\n {2}n\?: number \| null;\n\}/);
    assert.match(made, /q\?: \('x' \| 'y'\)\[\];/);
    assert.match(made, /postV1AById\(id: string, query: PostV1AByIdQuery = \{\}, options: CallOptions = \{\}\): Promise<A>/);
    assert.match(made, /`\/v1\/a\/\$\{encodeURIComponent\(id\)\}`/);
    assert.match(made, /export const getV1LivePath = '\/v1\/live';/);
  },
  'a description that is not understood is refused'() {
    const withType = (schema) => ({ components: { schemas: { A: { properties: { x: schema } } } }, paths: {} });
    assert.throws(() => makeClient(withType({ type: 'date' })), /A\.x: a schema of type "date"/);
    assert.throws(() => makeClient(withType({ $ref: 'other.json' })), /A\.x: a \$ref to "other\.json"/);
    assert.throws(() => makeClient({ paths: { '/a': { get: { operationId: 'get a', responses: { 200: {} } } } } }), /is no name/);
  },
};

let failed = 0;
for (const [sentence, test] of Object.entries(tests)) {
  try {
    test();
  } catch (error) {
    ++failed;
    console.log(`FAILED ${sentence}: ${error.message}`);
  }
}
console.log(`${Object.keys(tests).length - failed} of ${Object.keys(tests).length} hold`);
process.exit(failed ? 1 : 0);
