import { ApiProperty } from '@nestjs/swagger';
import { IsPasswordDigest } from '../../http/validation.js';
import { IsUsernameLookup } from '../../users/dto/users.dto.js';

export class LoginDto {
  /** Username to login as. */
  @IsUsernameLookup('alex')
  username!: string;

  /** SHA-256 hex digest of password associated with username. */
  @IsPasswordDigest()
  password!: string;
}

export class ForgotPasswordQuery {
  /** Username to reset password for. */
  @IsUsernameLookup('alex')
  username!: string;
}

export class ResendVerificationDto {
  /** Username to verify the email of. */
  @IsUsernameLookup('alex')
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
