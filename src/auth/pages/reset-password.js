// The form behind the link of a reset mail. `sha256` comes from js-sha256, in front of this script:
// `crypto.subtle` is missing where the page comes over plain HTTP, in a local network for instance.
(() => {
  const MIN_LENGTH = 8;
  /** How long to wait for an answer, in milliseconds. */
  const PATIENCE = 30_000;

  const element = (id) => document.getElementById(id);
  const [form, password, repeated, visible, notice, submit] = [
    'form',
    'password',
    'repeated',
    'visible',
    'notice',
    'submit',
  ].map(element);
  const token = new URLSearchParams(location.search).get('token') ?? '';
  let isBusy = false;

  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) form.hidden = false;
  else conclude('damaged');

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!isBusy && isComplete()) void setPassword();
  });
  for (const field of [password, repeated]) field.addEventListener('input', () => mark(field, ''));
  visible.addEventListener('change', () => {
    for (const field of [password, repeated]) field.type = visible.checked ? 'text' : 'password';
  });

  /** Whether the form may go; otherwise says what is wrong and leads there. */
  function isComplete() {
    notice.textContent = '';
    const isTooShort = [...password.value].length < MIN_LENGTH;
    const differs = !isTooShort && password.value !== repeated.value;
    mark(password, isTooShort && `Please choose at least ${MIN_LENGTH} characters.`);
    mark(repeated, differs && 'This is not the same password. Please type it again.');
    if (isTooShort) password.focus();
    else if (differs) repeated.focus();
    return !isTooShort && !differs;
  }

  function mark(field, problem) {
    const error = element(`${field.id}-error`);
    error.textContent = problem || '';
    error.hidden = !problem;
    if (problem) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  }

  async function setPassword() {
    setBusy(true);
    const outcome = await send(sha256(new TextEncoder().encode(password.value)));
    setBusy(false);
    if (['done', 'used', 'expired', 'damaged'].includes(outcome)) conclude(outcome);
    else notice.textContent = outcome;
  }

  /** Not `disabled`, which would take the focus away. */
  function setBusy(busy) {
    isBusy = busy;
    submit.setAttribute('aria-disabled', String(busy));
    submit.textContent = busy ? 'Saving your password …' : 'Set new password';
    for (const field of [password, repeated]) field.readOnly = busy;
  }

  /** The id of the outcome to show, or what to say where it may help to try again. */
  async function send(digest) {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      // Relative: behind a proxy the server may have a path of its own.
      const response = await fetch('api/auth/reset-password', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: token },
        body: JSON.stringify({ password: digest }),
        signal: patience.signal,
      });
      // What answers something else is not our server, but a proxy or a hotel's login.
      const answer = await response.json().catch(() => ({}));
      return outcomeOf(response.status, answer);
    } catch {
      return 'The server cannot be reached. Check your connection, then try again.';
    } finally {
      clearTimeout(timer);
    }
  }

  function outcomeOf(status, { status: word, reason }) {
    if (status === 200 && word === 'success') return 'done';
    if (status !== 401 || !reason) return 'The server has a problem. Please try again in a few minutes.';
    if (reason.includes('expired')) return 'expired';
    return reason.includes('no longer valid') ? 'used' : 'damaged';
  }

  /** Shows how it ended, in place of the form. */
  function conclude(id) {
    const outcome = element('outcome');
    element('task').remove();
    outcome.replaceChildren(element(id).content.cloneNode(true));
    document.title = `${outcome.querySelector('h1').textContent} – Parley`;
    outcome.focus();
  }
})();
