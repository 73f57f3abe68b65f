import { IsCursor, IsPageSize } from '../paging.js';
import { OptionalField } from '../validation.js';

/** Asks for a page of a list that is sorted by one number. */
export class PageQuery {
  /** How many at most; the answer then has `next`. */
  @OptionalField()
  @IsPageSize()
  limit?: string;

  /** The `next` of the page before; together with `limit`. */
  @OptionalField()
  @IsCursor(1)
  after?: string;
}
