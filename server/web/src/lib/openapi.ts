// An OpenAPI 3.1 document as the reader shows it: the operations in a row, in the order of the document.

export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  required?: string[];
  description?: string;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: JsonSchema;
}

type Content = Record<string, { schema?: JsonSchema }>;

export interface OpenApi {
  info: { title: string; version: string };
  paths: Record<string, Record<string, {
    operationId: string;
    summary?: string;
    parameters?: Parameter[];
    requestBody?: { content: Content };
    responses: Record<string, { content?: Content }>;
    'x-permission'?: string;
  }>>;
  components?: { schemas?: Record<string, JsonSchema> };
}

export interface Body {
  type: string;
  schema: JsonSchema;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  permission: string;
  parameters: Parameter[];
  takes?: Body;
  status: string;
  gives?: Body;
}

function bodyOf(content: Content | undefined): Body | undefined {
  const [first] = Object.entries(content ?? {});
  return first && { type: first[0], schema: first[1].schema ?? {} };
}

export function operationsOf(document: OpenApi): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const [status, success] = Object.entries(operation.responses).find(([each]) => each.startsWith('2')) ?? ['', {}];
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        summary: operation.summary ?? '',
        permission: operation['x-permission'] ?? '',
        parameters: operation.parameters ?? [],
        takes: bodyOf(operation.requestBody?.content),
        status,
        gives: bodyOf((success as { content?: Content }).content),
      };
    }),
  );
}

// A type in a few words; a named schema by its name.
export function typeText(schema: JsonSchema): string {
  if (schema.$ref) return schema.$ref.split('/').at(-1)!;
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' | ');
  if (schema.type === 'array') return `${typeText(schema.items ?? {})}[]`;
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') return `map of ${typeText(schema.additionalProperties)}`;
  const type = [schema.type ?? 'any'].flat().join(' | ');
  return schema.format && schema.format !== 'int64' ? `${type} (${schema.format})` : type;
}

// The schema that a type is made of, where it has a name.
export function nameWithin(schema: JsonSchema): string | undefined {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  const inside = schema.items ?? schema.anyOf?.find((each) => each.type !== 'null') ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  return inside && nameWithin(inside);
}
