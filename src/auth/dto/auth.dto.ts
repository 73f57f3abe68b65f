import { ApiProperty } from '@nestjs/swagger';
import { isStorable } from '../../common/text.js';
import { Checked, IsPasswordDigest } from '../../common/validation.js';

/** Any text: whether such a user exists is for the service to say. */
function usernameComplaint(value: unknown): string | undefined {
  if (value === '') return 'must be present';
  if (typeof value !== 'string') return 'must be a string';
  return isStorable(value) ? undefined : 'must be Unicode text without NUL';
}

export class LoginDto {
  /** Username to login as. */
  @Checked(usernameComplaint, { example: 'alex', minLength: 1, type: String })
  username!: string;

  /** SHA-256 hex digest of password associated with username. */
  @IsPasswordDigest()
  password!: string;
}

export class ForgotPasswordQuery {
  /** Username to reset password for. */
  @Checked(usernameComplaint, { example: 'alex', minLength: 1, type: String })
  username!: string;
}

export class ResetPasswordDto {
  /** SHA-256 hex digest of new password. */
  @IsPasswordDigest()
  password!: string;
}

export class TokenDto {
  /** JWT authentication token, for the `Authorization` header. */
  @ApiProperty({ example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.signature' })
  token!: string;
}
