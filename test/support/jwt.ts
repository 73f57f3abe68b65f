import { createHmac } from 'node:crypto';
import type { Json } from './parley.js';

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const decode = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString());

export const headerOf = (token: string): Json => decode(token.split('.')[0]);
export const claimsOf = (token: string): Json => decode(token.split('.')[1]);

/** Creates a JWT whose header names `alg`, and whose signature is an HMAC with `hash`. */
export function signJwt(claims: unknown, secret: string, { alg = 'HS256', hash = 'sha256' } = {}): string {
  const signed = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

/** Returns the token with other claims and its old signature. */
export function tamper(token: string, changes: Record<string, unknown>): string {
  const [header, claims, signature] = token.split('.');
  return [header, encode({ ...decode(claims), ...changes }), signature].join('.');
}

/** Returns the token without a signature, for instance with `alg: none`. */
export const unsigned = (token: string, alg: string) =>
  `${encode({ alg, typ: 'JWT' })}.${token.split('.')[1]}.`;
