/** What a transport's errors mean for a mail. */

interface SmtpError {
  message: string;
  /** nodemailer's name of the kind. */
  code?: string;
  /** What the mail server answered, and to which command. */
  responseCode?: number;
  command?: string;
  /** Whether that code is one to expect again; nodemailer leaves out 503, an answer to the wrong order of commands. */
  permanent?: boolean;
}

/**
 * Whether the failure is this mail's, or its recipient's: the mail server takes others. What it says of a
 * login or our own address concerns all mails, and the operator may mend it.
 */
export function isAboutMail(error: unknown): boolean {
  const { command = '', responseCode = 0 } = error as SmtpError;
  return isUnsendable(error) || (['RCPT TO', 'DATA'].includes(command) && ![0, 421].includes(responseCode));
}

/** Whether trying again is of no use. */
export function isForGood(error: unknown): boolean {
  return isUnsendable(error) || (isAboutMail(error) && (error as SmtpError).permanent === true);
}

/** What the log may say: what a mail server answers may quote the address, or the mail with its token. */
export function describeFailure(error: unknown): string {
  const { message, responseCode, command } = error as SmtpError;
  if (isUnsendable(error)) return 'its address cannot be written to';
  return isAboutMail(error) ? `${responseCode} to ${command}, see its row for the reason` : message;
}

/** An address that SMTP, or this server, has no way to write. */
function isUnsendable(error: unknown): boolean {
  const { code, command } = error as SmtpError;
  return code === 'EENVELOPE' && command === 'API';
}
