interface SmtpError {
  message: string;
  code?: string;
  responseCode?: number;
  command?: string;
  permanent?: boolean;
}

/** Failures of the connection, the login or the sender address concern all mails, so they return `false`. */
export function isMailFailure(error: unknown): boolean {
  const { command = '', responseCode = 0 } = error as SmtpError;
  return isUnsendable(error) || (['RCPT TO', 'DATA'].includes(command) && ![0, 421].includes(responseCode));
}

export function isPermanentFailure(error: unknown): boolean {
  return isUnsendable(error) || (isMailFailure(error) && (error as SmtpError).permanent === true);
}

/** Describes the failure for the log, without the mail server's words: they may quote the address or the token. */
export function describeFailure(error: unknown): string {
  const { message, responseCode, command } = error as SmtpError;
  if (isUnsendable(error)) return 'its address cannot be written to';
  return isMailFailure(error) ? `${responseCode} to ${command}, see its row for the reason` : message;
}

function isUnsendable(error: unknown): boolean {
  const { code, command } = error as SmtpError;
  return code === 'EENVELOPE' && command === 'API';
}
