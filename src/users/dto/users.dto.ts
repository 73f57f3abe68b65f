import { fold, isStorable } from '../../helpers/text.js';
import { Checked, IsPasswordDigest, MayBeMissing, textComplaint } from '../../http/validation.js';

const USERNAME = /^(?:\p{L}\p{M}*|\p{Nd}|[._-])+$/u;
const EMAIL = /^[^\s\p{Cc}]+@[^\s\p{Cc}]+$/u;

/** What the folded forms may hold: their columns and indices have this length. */
const MAX_USERNAME_KEY_LENGTH = 256;
const MAX_EMAIL_KEY_LENGTH = 768;

const characters = { min: 1, max: 64 };

/** "Users" in the contract. The folded form obeys the same alphabet: some letters unfold into words. */
function usernameComplaint(value: unknown): string | undefined {
  const complaint = textComplaint(characters)(typeof value === 'string' ? value.normalize('NFC') : value);
  if (complaint) return complaint;
  const username = value as string;
  const key = fold(username);
  if (
    !USERNAME.test(username.normalize('NFC')) ||
    !USERNAME.test(key) ||
    key.length > MAX_USERNAME_KEY_LENGTH
  ) {
    return "must consist of letters, digits, '.', '_' and '-'";
  }
  return /^\.+$/.test(key) ? 'must not consist of dots alone' : undefined;
}

function emailComplaint(value: unknown): string | undefined {
  const complaint = textComplaint({ min: 5, max: 254 })(value);
  if (complaint) return complaint;
  const email = value as string;
  const key = fold(email);
  if (!EMAIL.test(email) || !EMAIL.test(key) || key.length > MAX_EMAIL_KEY_LENGTH) {
    return "must be an email address: an '@' and no white space";
  }
  return undefined;
}

/** Any text that a user may be looked up by: whether there is such a user is for the service to say. */
export function usernameLookupComplaint(value: unknown): string | undefined {
  if (value === '') return 'must be present';
  if (typeof value !== 'string') return 'must be a string';
  return isStorable(value) ? undefined : 'must be Unicode text without NUL';
}

const IsUsername = () =>
  Checked(usernameComplaint, { example: 'alex', minLength: 1, maxLength: 64, type: String });

const IsEmail = (example: string) =>
  Checked(emailComplaint, { example, minLength: 5, maxLength: 254, type: String });

const IsName = (example: string) =>
  Checked(textComplaint({ min: 1, max: 128 }), { example, minLength: 1, maxLength: 128, type: String });

export class RegisterDto {
  /** Username to login as: letters, digits, `.`, `_`, `-` of any script; unique whatever its case. */
  @IsUsername()
  username!: string;

  /** SHA-256 hex digest of password associated with username. */
  @IsPasswordDigest()
  password!: string;

  /** Email to be associated with user; unique whatever its case. */
  @IsEmail('a@el.x')
  email!: string;

  /** Name associated with user. */
  @IsName('Alex')
  name!: string;
}

export class UpdateUserDto {
  /** New name for user. */
  @MayBeMissing()
  @IsName('Krantz')
  name?: string;

  /** New email for user, unverified until the link in the mail is followed. */
  @MayBeMissing()
  @IsEmail('al@e.x')
  email?: string;

  /** New SHA-256 hex digest of password. */
  @MayBeMissing()
  @IsPasswordDigest()
  password?: string;
}

export class SearchUsersQuery {
  /** Username to search on. */
  @Checked(usernameLookupComplaint, { example: 'al', minLength: 1, type: String })
  username!: string;
}

/** A user, as everybody sees them. */
export class UserDto {
  /** @example Alex */
  name!: string;

  /** @example alex */
  username!: string;
}

/** A user, with what they alone see. */
export class UserDetailDto extends UserDto {
  /**
   * Only when the caller looks at itself.
   * @example a@el.x
   */
  email?: string;

  /** Whether the email is verified; only when the caller looks at itself. */
  verified?: boolean;
}
