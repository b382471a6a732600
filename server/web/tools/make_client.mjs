// Writes the page's typed client from an OpenAPI 3.1 document, as /openapi.json gives it.
//
//   node tools/make_client.mjs openapi.json > src/api/client.ts
//
// One interface for each schema, one interface for each operation's query, one function for each operation that
// answers in JSON, named by its operationId: getV1LogsHistogram(query), postV1AgentsByIdRevoke(id). Feeds and other
// streams become a constant with their path, for what reads streams. What it does not understand is an error: a client
// that is silently wrong is worse than none.
import { readFileSync, realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const isName = (text) => /^[A-Za-z_$][\w$]*$/.test(text);
const key = (text) => (isName(text) ? text : `'${text}'`);
const title = (text) => text[0].toUpperCase() + text.slice(1);
const comment = (text, indent = '') => (text ? `${indent}// ${text.replaceAll('\n', ' ')}\n` : '');

export function typeOf(schema, where) {
  if (schema === undefined || Object.keys(schema).every((each) => each === 'description')) return 'unknown';
  if (schema.$ref) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(schema.$ref)?.[1];
    if (!name) throw new Error(`${where}: a $ref to "${schema.$ref}"; only #/components/schemas/Name is understood`);
    return name;
  }
  if (schema.enum) return schema.enum.map((word) => `'${word}'`).join(' | ');
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map((each) => typeOf(each, where)).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, where)).join(' | ');
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array': {
      const each = typeOf(schema.items, where);
      return /[ |]/.test(each) ? `(${each})[]` : `${each}[]`;
    }
    case 'object':
      if (schema.properties) return `{ ${members(schema, where).join(' ')} }`;
      return `Record<string, ${typeOf(schema.additionalProperties === true ? {} : schema.additionalProperties, where)}>`;
    default:
      throw new Error(`${where}: a schema of type ${JSON.stringify(schema.type)}`);
  }
}

function members(schema, where) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(
    ([name, each]) => `${key(name)}${required.has(name) ? '' : '?'}: ${typeOf(each, `${where}.${name}`)};`,
  );
}

function interfaceOf(name, schema) {
  if (!schema.properties) return `${comment(schema.description)}export type ${name} = ${typeOf(schema, name)};\n`;
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties).map(([member, each]) => {
    const mark = required.has(member) ? '' : '?';
    return `${comment(each.description, '  ')}  ${key(member)}${mark}: ${typeOf(each, `${name}.${member}`)};\n`;
  });
  return `${comment(schema.description)}export interface ${name} {\n${lines.join('')}}\n`;
}

const jsonOf = (content) => content?.['application/json'];

function successOf(operation, where) {
  const good = Object.entries(operation.responses ?? {}).filter(([status]) => /^2\d\d$/.test(status));
  if (good.length !== 1) throw new Error(`${where}: ${good.length} successful responses; one is understood`);
  return good[0][1];
}

function operationOf(method, path, operation, out) {
  const id = operation.operationId;
  const where = `${method.toUpperCase()} ${path}`;
  if (!id || !isName(id)) throw new Error(`${where}: operationId "${id}" is no name`);
  const query = (operation.parameters ?? []).filter((each) => each.in === 'query');
  const inPath = (operation.parameters ?? []).filter((each) => each.in === 'path');
  const body = operation.requestBody;
  const success = successOf(operation, where);
  const answersJson = !success.content || jsonOf(success.content);

  const queryType = `${title(id)}Query`;
  if (query.length > 0) {
    const asSchema = { properties: {}, required: [] };
    for (const each of query) {
      asSchema.properties[each.name] = { ...each.schema, description: each.description };
      if (each.required) asSchema.required.push(each.name);
    }
    out.push(interfaceOf(queryType, asSchema));
  }
  const about = comment(operation.summary);
  if (!answersJson || (body && !jsonOf(body.content))) {
    out.push(`${about}export const ${id}Path = '${path}';\n`);
    return;
  }

  const parameters = inPath.map((each) => `${each.name}: string`);
  const sent = [];
  if (body) {
    parameters.push(`body: ${typeOf(jsonOf(body.content).schema, where)}`);
    sent.push('body');
  }
  if (query.length > 0) {
    parameters.push(`query: ${queryType}${query.some((each) => each.required) ? '' : ' = {}'}`);
    sent.push('query');
  }
  parameters.push('options: CallOptions = {}');
  sent.push('...options');
  const url = inPath.length === 0 ? `'${path}'` : `\`${path.replaceAll(/\{(\w+)\}/g, '${encodeURIComponent($1)}')}\``;
  const answer = success.content ? typeOf(jsonOf(success.content).schema, where) : 'void';
  out.push(
    `${about}export function ${id}(${parameters.join(', ')}): Promise<${answer}> {\n` +
      `  return call('${method.toUpperCase()}', ${url}, { ${sent.join(', ')} });\n}\n`,
  );
}

export function makeClient(document) {
  const out = [
    '// The typed client of the API, made from /openapi.json by tools/make_client.mjs. Not for editing.\n' +
      "import { call, type CallOptions } from './http';\n",
  ];
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) out.push(interfaceOf(name, schema));
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) operationOf(method, path, operation, out);
  }
  return out.join('\n');
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  if (process.argv.length !== 3) {
    process.stderr.write('usage: make_client.mjs OPENAPI.JSON > client.ts\n');
    process.exit(2);
  }
  process.stdout.write(makeClient(JSON.parse(readFileSync(process.argv[2], 'utf8'))));
}
