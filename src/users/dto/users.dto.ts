import { ApiProperty } from '@nestjs/swagger';
import { fold, isStorable } from '../../helpers/text.js';
import { ApiSchemaRules } from '../../http/openapi.js';
import { IsPasswordDigest, IsText, OptionalField, textValidator, Validated } from '../../http/validation.js';

const USERNAME = /^(?!\.+$)(?:\p{L}\p{M}*|\p{Nd}|[._-])+$/u;
const EMAIL = /^[^\s\p{Cc}@,;:<>()[\]"\\]+@[^\s\p{Cc}@,;:<>()[\]"\\]+$/u;

/** The lengths of the columns for the folded forms. */
const MAX_USERNAME_KEY_LENGTH = 256;
const MAX_EMAIL_KEY_LENGTH = 768;

/** Checks the folded form too, because NFKC turns some single characters into words with spaces or brackets. */
function validateUsername(value: unknown): string | undefined {
  const username = typeof value === 'string' ? value.normalize('NFC') : '';
  const problem = textValidator({ min: 1, max: 64 })(typeof value === 'string' ? username : value);
  if (problem) return problem;
  const key = fold(username);
  if (!USERNAME.test(username) || !USERNAME.test(key) || key.length > MAX_USERNAME_KEY_LENGTH) {
    return "must consist of letters, digits, '.', '_' and '-', and not of dots alone";
  }
  return undefined;
}

function validateEmail(value: unknown): string | undefined {
  const problem = textValidator({ min: 5, max: 254 })(value);
  if (problem) return problem;
  const email = value as string;
  const key = fold(email);
  if (!EMAIL.test(email) || !EMAIL.test(key) || key.length > MAX_EMAIL_KEY_LENGTH) {
    return `must be an email address: one '@', no white space, and none of ,;:<>()[]"\\`;
  }
  return undefined;
}

/** Accepts any text, because services report usernames that do not exist. */
function validateUsernameLookup(value: unknown): string | undefined {
  if (value === '') return 'must be present';
  if (typeof value !== 'string') return 'must be a string';
  return isStorable(value) ? undefined : 'must be Unicode text without NUL';
}

const IsUsername = () =>
  Validated(validateUsername, {
    example: 'alex',
    minLength: 1,
    maxLength: 64,
    pattern: USERNAME.source,
    type: String,
  });

/** Not `IsEmail`: the Swagger plugin would add `format: email`, which is stricter. */
const IsEmailAddress = (example: string) =>
  Validated(validateEmail, { example, minLength: 5, maxLength: 254, pattern: EMAIL.source, type: String });

const IsName = (example: string) => IsText({ min: 1, max: 128 }, example);

export const IsUsernameLookup = (example: string) =>
  Validated(validateUsernameLookup, { example, minLength: 1, type: String });

export class RegisterDto {
  /** Username to login as: letters, digits, `.`, `_`, `-` of any script; unique whatever its case. */
  @IsUsername()
  username!: string;

  /** SHA-256 hex digest of password associated with username. */
  @IsPasswordDigest()
  password!: string;

  /** Email to be associated with user; unique whatever its case. */
  @IsEmailAddress('a@el.x')
  email!: string;

  /** Name associated with user. */
  @IsName('Alex')
  name!: string;
}

/** At least one of the fields. */
@ApiSchemaRules({ anyOf: ['name', 'email', 'password'].map((field) => ({ required: [field] })) })
export class UpdateUserDto {
  /** New name for user. */
  @OptionalField()
  @IsName('Krantz')
  name?: string;

  /** New email for user, unverified until the link in the mail is followed. */
  @OptionalField()
  @IsEmailAddress('al@e.x')
  email?: string;

  /** New SHA-256 hex digest of password. */
  @OptionalField()
  @IsPasswordDigest()
  password?: string;
}

export class SearchUsersQuery {
  /** Username to search on. */
  @IsUsernameLookup('al')
  username!: string;
}

export class UserDto {
  /** @example Alex */
  name!: string;

  /** @example alex */
  username!: string;
}

export class UserDetailDto extends UserDto {
  /**
   * Only when the caller looks at itself.
   * @example a@el.x
   */
  email?: string;

  /** Whether the email is verified; only when the caller looks at itself. */
  @ApiProperty({ example: true })
  verified?: boolean;
}
