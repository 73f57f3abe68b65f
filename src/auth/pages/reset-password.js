// The page puts js-sha256 in front of this script, because browsers offer `crypto.subtle` only over HTTPS.
(() => {
  const MIN_LENGTH = 8;
  const TIMEOUT_MS = 30_000;
  /** Of HS256, in base64url. */
  const SIGNATURE_LENGTH = 43;

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
  else showOutcome('damaged');

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!isBusy && validate()) void setPassword();
  });
  for (const field of [password, repeated]) field.addEventListener('input', () => setError(field, ''));
  visible.addEventListener('change', () => {
    for (const field of [password, repeated]) field.type = visible.checked ? 'text' : 'password';
  });

  /** Validates the form. Marks a wrong field and moves the focus there. */
  function validate() {
    notice.textContent = '';
    const isTooShort = [...password.value].length < MIN_LENGTH;
    const differs = !isTooShort && password.value !== repeated.value;
    setError(password, isTooShort && `Please choose at least ${MIN_LENGTH} characters.`);
    setError(repeated, differs && 'This is not the same password. Please type it again.');
    if (isTooShort) password.focus();
    else if (differs) repeated.focus();
    return !isTooShort && !differs;
  }

  function setError(field, problem) {
    const error = element(`${field.id}-error`);
    error.textContent = problem || '';
    error.hidden = !problem;
    if (problem) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  }

  async function setPassword() {
    setBusy(true);
    const outcome = await postDigest(sha256(new TextEncoder().encode(password.value)));
    setBusy(false);
    if (['done', 'used', 'expired', 'damaged'].includes(outcome)) showOutcome(outcome);
    else notice.textContent = outcome;
  }

  /** Uses `aria-disabled`, because a disabled button would lose the focus. */
  function setBusy(busy) {
    isBusy = busy;
    submit.setAttribute('aria-disabled', String(busy));
    submit.textContent = busy ? 'Saving your password …' : 'Set new password';
    for (const field of [password, repeated]) field.readOnly = busy;
  }

  /** Returns the id of the final outcome, or a message where a retry may succeed. */
  async function postDigest(digest) {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
    try {
      // Relative, because a proxy may serve Parley under a path.
      const response = await fetch('api/auth/reset-password', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: token },
        body: JSON.stringify({ password: digest }),
        signal: timeout.signal,
      });
      // An answer that is not JSON comes from a proxy or a captive portal.
      const answer = await response.json().catch(() => ({}));
      return outcomeOf(response.status, answer);
    } catch {
      return 'The server cannot be reached. Check your connection, then try again.';
    } finally {
      clearTimeout(timer);
    }
  }

  function outcomeOf(status, { status: word, code }) {
    if (status === 200 && word === 'success') return 'done';
    if (code !== 'token_invalid') return 'The server has a problem. Please try again in a few minutes.';
    return findProblem();
  }

  /** Tells from the token why the server has refused it. Mail programs cut long links off. */
  function findProblem() {
    const [, payload, signature] = token.split('.');
    if (signature.length < SIGNATURE_LENGTH) return 'damaged';
    try {
      const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
      return exp * 1000 < Date.now() ? 'expired' : 'used';
    } catch {
      return 'damaged';
    }
  }

  /** Replaces the form by the outcome. */
  function showOutcome(id) {
    const outcome = element('outcome');
    element('task').remove();
    outcome.replaceChildren(element(id).content.cloneNode(true));
    document.title = `${outcome.querySelector('h1').textContent} – Parley`;
    outcome.focus();
  }
})();
