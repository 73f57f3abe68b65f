/** Returns a generator of numbers from 0 to 1, the same ones in each run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const WORDS = `the to you and we it is on in at of for that this with have not are be can will just so but
  about what when then there here now later today tomorrow meeting train coffee lunch report draft table
  server cable garden music paper please thanks maybe really already still think know look send read write
  café naïve Zürich Kraków señor über déjà 你好 明日 привет спасибо 🎉 👍 🙂`.split(/\s+/);

const SYLLABLES =
  `an ba bel cor da den el fa fin ga gor ha hil in ja jor ka kel la lin lo ma mar mi na nel no or pa
  pel ra ri ron sa sel si ta tan ti tor ul va vin wa wil ya yor za zel`.split(/\s+/);

/** Returns a text of 60 to 120 characters, the same one for each index. */
export function textOfMessage(index: number): string {
  const random = createRandom(index * 7919);
  const length = 60 + Math.floor(random() * 60);
  let text = '';
  while (text.length < length) text += `${WORDS[Math.floor(random() * WORDS.length)]} `;
  return text.trim();
}

/** Returns different usernames of ASCII letters and digits in lower case. */
export function makeUsernames(count: number): string[] {
  const random = createRandom(2);
  const syllable = () => SYLLABLES[Math.floor(random() * SYLLABLES.length)];
  const names = new Set<string>();
  while (names.size < count) {
    const name = syllable() + syllable() + syllable() + (random() < 0.4 ? syllable() : '');
    names.add(random() < 0.3 ? name + Math.floor(random() * 100) : name);
  }
  return [...names];
}
