import { createSecretKey, randomUUID, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LRUCache } from 'lru-cache';
import { unauthenticated } from '../errors/errors.js';
import { Settings } from '../config/settings.js';
import { Batcher } from '../database/batcher.js';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import type { Caller } from './caller.js';
import type { TokenKind } from './token.entity.js';

export const TOKEN_ALGORITHM = 'HS256';

const HOUR = 3_600;

/** The claims of every token that Parley signs. */
export interface Claims {
  sub: string;
  jti: string;
  aud: TokenKind;
  iat: number;
  exp: number;
}

/** Makes tokens, tells whose they are, ends them. A token is good while its row is there. */
@Injectable()
export class TokensService {
  /** A prepared key: given a string, jsonwebtoken parses it anew on every call, at four times the cost. */
  readonly key: KeyObject;
  private readonly lifetime: Record<TokenKind, number>;
  private readonly holders: Batcher<string, Holder | undefined>;
  private readonly verified = new LRUCache<string, Claims>({ max: 5_000 });

  constructor(
    settings: Settings,
    private readonly jwt: JwtService,
    private readonly unitOfWork: UnitOfWork,
    reader: Reader,
  ) {
    this.holders = new Batcher((ids) => reader.queryEach(HOLDERS, ids, ({ token }: Holder) => token));
    this.key = createSecretKey(settings.jwtSecret, 'utf8');
    this.lifetime = { authentication: settings.tokenTtl, 'reset-password': HOUR, 'verify-email': 72 * HOUR };
  }

  /** A signed token for a user who exists; it counts from the commit on. */
  issue(tx: Transaction, kind: TokenKind, userId: number): string {
    const id = randomUUID();
    const issuedAt = Math.floor(Date.now() / 1000);
    const expiresAt = issuedAt + this.lifetime[kind];
    tx.defer('INSERT INTO tokens (id, user_id, kind, expires_at) VALUES (?, ?, ?, ?)', [
      id,
      userId,
      kind,
      expiresAt,
    ]);
    const claims: Claims = { sub: String(userId), jti: id, aud: kind, iat: issuedAt, exp: expiresAt };
    return this.jwt.sign(claims, { privateKey: this.key, algorithm: TOKEN_ALGORITHM });
  }

  /** Remembers a token whose signature is verified: that stays so, all else is checked each time. */
  remember(token: string): void {
    this.verified.set(token, this.jwt.decode<Claims>(token));
  }

  /** The claims of a remembered token, until it expires. */
  recall(token: string): Claims | undefined {
    const claims = this.verified.get(token);
    return claims && claims.exp > Date.now() / 1000 ? claims : undefined;
  }

  /**
   * Whose token the claims, whose signature is verified, describe.
   *
   * @throws ParleyError (unauthenticated) when it is of another kind, was ended, or its user is gone.
   */
  async callerOf(kind: TokenKind, claims: Claims): Promise<Caller> {
    if (claims.aud !== kind) throw unauthenticated(`invalid token: not a token for ${kind}`);
    if (typeof claims.exp !== 'number' || typeof claims.jti !== 'string') {
      throw unauthenticated("invalid token: 'exp' and 'jti' must be present");
    }
    const holder = await this.holders.add(claims.jti);
    if (!holder || holder.kind !== kind || String(holder.id) !== claims.sub) {
      throw unauthenticated('invalid token: no longer valid');
    }
    return { userId: holder.id, username: holder.username, tokenId: claims.jti };
  }

  /**
   * Ends the caller's token, once.
   *
   * @throws ParleyError (unauthenticated) when somebody else has used it up first.
   */
  async consume(tx: Transaction, { tokenId }: Caller): Promise<void> {
    const ended = await tx.execute('DELETE FROM tokens WHERE id = ?', [tokenId]);
    if (ended === 0) throw unauthenticated('invalid token: no longer valid');
  }

  /** Ends all tokens of one kind that a user holds. */
  async revokeAll(tx: Transaction, kind: TokenKind, userId: number): Promise<void> {
    await tx.execute('DELETE FROM tokens WHERE user_id = ? AND kind = ?', [userId, kind]);
  }

  /** Forgets tokens that have expired: nobody can use them, they only take room. */
  async sweepExpired(): Promise<void> {
    const seconds = Math.floor(Date.now() / 1000);
    await this.unitOfWork.run((tx) => tx.execute('DELETE FROM tokens WHERE expires_at < ?', [seconds]));
  }
}

/** The users who hold tokens that are still good. */
const HOLDERS = `SELECT t.id AS token, t.kind, u.id, u.username FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.id`;

interface Holder {
  token: string;
  kind: TokenKind;
  id: number;
  username: string;
}
