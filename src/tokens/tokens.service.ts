import { createSecretKey, randomUUID, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LRUCache } from 'lru-cache';
import { Settings } from '../config/settings.js';
import { deleteInChunks } from '../database/delete-in-chunks.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { now, SECOND_US } from '../helpers/clock.js';
import type { Caller } from './caller.js';
import type { Revocation } from './revocation.entity.js';
import { InvalidToken, tokenRevoked } from './token-errors.js';
import { Token, TOKEN_KINDS, type TokenKind } from './token.entity.js';
import { TokensRepository } from './tokens.repository.js';

export const TOKEN_ALGORITHM = 'HS256';

const HOUR_SECONDS = 3_600;

const MAX_CACHED_CLAIMS = 5_000;

export interface Claims {
  sub: string;
  jti: string;
  aud: TokenKind;
  iat: number;
  exp: number;
}

declare module '../database/topics.js' {
  interface TopicPayloads {
    /** Published when one token of a user is revoked, or all of them. */
    tokensRevoked: { userId: number; tokenId?: string };
  }
}

/** A token is valid while its row exists, so revoking a token counts on all instances at once. */
@Injectable()
export class TokensService {
  /** jsonwebtoken parses a string on every call, which makes an authenticated request cost four times as much. */
  readonly signingKey: KeyObject;
  private readonly lifetimeSeconds: Record<TokenKind, number>;
  private readonly cachedClaims = new LRUCache<string, Claims>({ max: MAX_CACHED_CLAIMS });

  constructor(
    settings: Settings,
    private readonly jwt: JwtService,
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: TokensRepository,
  ) {
    this.signingKey = createSecretKey(settings.jwtSecret, 'utf8');
    this.lifetimeSeconds = {
      authentication: settings.tokenTtl,
      'reset-password': HOUR_SECONDS,
      'verify-email': 72 * HOUR_SECONDS,
    };
  }

  /** Returns a signed token, which becomes valid when the transaction commits. */
  issue(tx: Transaction, kind: TokenKind, userId: number): string {
    const id = randomUUID();
    const issuedAt = unixSeconds();
    const expiresAt = issuedAt + this.lifetimeSeconds[kind];
    this.repository.add(tx, { id, userId, kind, expiresAt });
    const claims: Claims = { sub: String(userId), jti: id, aud: kind, iat: issuedAt, exp: expiresAt };
    return this.jwt.sign(claims, { privateKey: this.signingKey, algorithm: TOKEN_ALGORITHM });
  }

  /** Caches the claims of a token whose signature is verified, because a signature stays valid. */
  cacheClaims(token: string): void {
    this.cachedClaims.set(token, this.jwt.decode<Claims>(token));
  }

  /** Returns undefined when the token has expired. */
  findCachedClaims(token: string): Claims | undefined {
    const claims = this.cachedClaims.get(token);
    return claims && claims.exp > Date.now() / 1000 ? claims : undefined;
  }

  /** Accepts an authentication token outside of a request. @throws InvalidToken */
  async verify(token: string): Promise<Caller> {
    let claims: Claims;
    try {
      claims =
        this.findCachedClaims(token) ??
        (await this.jwt.verifyAsync<Claims>(token, {
          secret: this.signingKey as unknown as string,
          algorithms: [TOKEN_ALGORITHM],
        }));
    } catch {
      throw new InvalidToken('malformed', 'malformed or expired');
    }
    return this.getCaller('authentication', claims);
  }

  /** @throws InvalidToken when the caller's token has been revoked meanwhile. */
  async requireValid({ tokenId }: Caller): Promise<void> {
    if (!(await this.repository.findHolder(tokenId))) throw tokenRevoked();
  }

  /** @throws InvalidToken when the token has no claims, is of another kind, or has been revoked. */
  async getCaller(kind: TokenKind, claims: Partial<Claims> | string | null): Promise<Caller> {
    if (typeof claims !== 'object' || claims === null) {
      throw new InvalidToken('malformed', 'its payload must be a JSON object');
    }
    if (claims.aud !== kind) throw new InvalidToken('malformed', `not a token for ${kind}`);
    if (typeof claims.exp !== 'number' || typeof claims.jti !== 'string') {
      throw new InvalidToken('malformed', "'exp' and 'jti' must be present");
    }
    const holder = await this.repository.findHolder(claims.jti);
    if (!holder || holder.kind !== kind || String(holder.userId) !== claims.sub) throw tokenRevoked();
    return { userId: holder.userId, username: holder.username, tokenId: claims.jti, expiresAt: claims.exp };
  }

  /** @throws InvalidToken when the caller's token has been consumed already. */
  async consume(tx: Transaction, { userId, tokenId }: Caller): Promise<void> {
    const { affected } = await (await tx.manager()).delete(Token, tokenId);
    if (affected === 0) throw tokenRevoked();
    this.publishRevocation(tx, userId, tokenId);
  }

  /** Publishes to all instances that one token of the user is revoked; without `tokenId`, that all are. */
  publishRevocation(tx: Transaction, userId: number, tokenId?: string): void {
    this.repository.addRevocation(tx, { at: now(), userId, tokenId: tokenId ?? '' });
    tx.publish('tokensRevoked', { userId, tokenId });
  }

  /** Returns what was revoked after `since`, through any instance. */
  findRevocations(since: number): Promise<Revocation[]> {
    return this.repository.findRevocations(since);
  }

  async revokeAll(tx: Transaction, kind: TokenKind, userId: number): Promise<void> {
    await (await tx.manager()).delete(Token, { userId, kind });
  }

  /** Logs a user out everywhere. */
  async revokeSessions(tx: Transaction, userId: number): Promise<void> {
    await this.revokeAll(tx, 'authentication', userId);
    this.publishRevocation(tx, userId);
  }

  /** Removes the tokens of an erased user, which are invalid already. */
  async deleteAllOf(userId: number, signal: AbortSignal): Promise<void> {
    for (const kind of TOKEN_KINDS) {
      const ofUser = {
        table: 'tokens',
        where: 'user_id = ? AND kind = ?',
        values: [userId, kind],
        key: 'id',
      };
      await deleteInChunks(this.unitOfWork, signal, ofUser);
    }
  }

  deleteOldRevocations(signal: AbortSignal): Promise<void> {
    const values = [now() - HOUR_SECONDS * SECOND_US];
    return deleteInChunks(this.unitOfWork, signal, {
      table: 'revocations',
      where: 'at < ?',
      values,
      key: 'at',
    });
  }

  deleteExpired(signal: AbortSignal): Promise<void> {
    const expired = { table: 'tokens', where: 'expires_at < ?', values: [unixSeconds()], key: 'expires_at' };
    return deleteInChunks(this.unitOfWork, signal, expired);
  }
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
