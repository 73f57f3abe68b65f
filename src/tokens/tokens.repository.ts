import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { readSince } from '../database/read-in-chunks.js';
import { Reader, type Transaction } from '../database/unit-of-work.js';
import type { Revocation } from './revocation.entity.js';
import type { Token, TokenKind } from './token.entity.js';

export interface TokenHolder {
  tokenId: string;
  kind: TokenKind;
  userId: number;
  username: string;
}

const SELECT_HOLDERS = `SELECT t.id AS tokenId, t.kind, u.id AS userId, u.username
  FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.id`;

/** SQL text for the hot paths: each request looks its token up, each login inserts one, and each poll asks for revocations. */
@Injectable()
export class TokensRepository {
  private readonly lookUps: Batcher<string, TokenHolder | undefined>;

  constructor(private readonly reader: Reader) {
    this.lookUps = new Batcher((ids) =>
      reader.queryEach(SELECT_HOLDERS, ids, ({ tokenId }: TokenHolder) => tokenId),
    );
  }

  findHolder(tokenId: string): Promise<TokenHolder | undefined> {
    return this.lookUps.add(tokenId);
  }

  /** Defers the insert to the commit, which saves each login a round trip. */
  add(tx: Transaction, { id, userId, kind, expiresAt }: Token): void {
    const sql = 'INSERT INTO tokens (id, user_id, kind, expires_at) VALUES (?, ?, ?, ?)';
    tx.defer(sql, [id, userId, kind, expiresAt]);
  }

  addRevocation(tx: Transaction, { at, userId, tokenId }: Revocation): void {
    tx.insert('revocations (at, user_id, token_id)', [[at, userId, tokenId]]);
  }

  findRevocations(since: number): Promise<Revocation[]> {
    const sql = `SELECT at, user_id AS userId, token_id AS tokenId FROM revocations WHERE at > ? ORDER BY at LIMIT ?`;
    return readSince(since, (after, limit) => this.reader.query(sql, [after, limit]));
  }
}
