import * as fc from 'fast-check';
import { valuesOf } from './arbitraries.js';
import type { Json, Member, Parley } from './parley.js';
import { createRoom } from './rooms.js';

/** An operation of the OpenAPI document. */
export interface Operation {
  id: string;
  method: string;
  path: string;
  parameters: Json[];
  body?: Json;
}

export interface GeneratedRequest {
  path: string;
  json?: unknown;
}

export function operationsOf(document: Json): Operation[] {
  return Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, { operationId, parameters = [], requestBody }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema,
    })),
  );
}

export interface World {
  member: Member;
  /** By the names of path parameters. */
  known: Record<string, string>;
}

/** Creates a user with a chat and a room, since many requests need what exists, and others delete it. */
export async function makeWorld(parley: Parley, number: number): Promise<World> {
  const member = await parley.signUp(`user${number}`);
  const chat = await member.createChat([]);
  const room = await createRoom(member, `Room ${number}`);
  return { member, known: { user: member.username, chat, message: '0', room_id: String(room.id) } };
}

/** Returns values for the parameters in a place: what exists, where there is something, or anything of the right form. */
function parametersOf(
  document: Json,
  { parameters }: Operation,
  place: 'path' | 'query',
  known: Record<string, string>,
) {
  const here = parameters.filter((parameter) => parameter.in === place);
  const values = here.map(({ name, schema }): [string, fc.Arbitrary<unknown>] => {
    // A URL cannot hold a segment of dots.
    const any = valuesOf(document, schema).filter((value) => !/^\.\.?$/.test(String(value)));
    return [name, name in known ? fc.oneof(fc.constant(known[name]), any) : any];
  });
  const required = here.filter((parameter) => parameter.required).map(({ name }) => name as string);
  return fc
    .record<Record<string, unknown>>(Object.fromEntries(values), { requiredKeys: required })
    .map((record) =>
      Object.entries(record).map(([name, value]) => [name, String(value)] satisfies [string, string]),
    );
}

/** Returns requests that the document allows. */
export function requestsOf(
  document: Json,
  operation: Operation,
  known: Record<string, string>,
): fc.Arbitrary<GeneratedRequest> {
  const { path, body } = operation;
  const json = body ? valuesOf(document, body) : fc.constant(undefined);
  const parts = fc.tuple(
    parametersOf(document, operation, 'path', known),
    parametersOf(document, operation, 'query', {}),
    json,
  );
  const requests = parts.map(([inPath, query, value]) => {
    const filled = inPath.reduce(
      (url, [name, text]) => url.replace(`{${name}}`, encodeURIComponent(text)),
      path,
    );
    return {
      path: query.length > 0 ? `${filled}?${new URLSearchParams(query).toString()}` : filled,
      json: value,
    };
  });
  // A client shortens `/users/.` to `/users/`.
  return requests.filter(({ path: sent }) => !/\/\.{1,2}(\/|\?|$)/.test(sent));
}
