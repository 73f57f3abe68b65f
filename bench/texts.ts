/** Words and names that look like people's, the same in each run. */

/** Numbers from 0 up to 1, the same ones each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const WORDS = `the to you and we it is on in at of for that this with have not are be can will just so but all
  about what when then there here now later today tomorrow meeting train coffee lunch report draft table window
  release server cable garden music paper please thanks maybe really already still think know look send read write
  café naïve Zürich Kraków señor über déjà 你好 明日 привет спасибо 🎉 👍 🙂`.split(/\s+/);

/** Messages of 60 to 120 characters, some of them not ASCII. */
function makeMessages(count: number): string[] {
  const next = random(1);
  return Array.from({ length: count }, () => {
    const length = 60 + Math.floor(next() * 60);
    let text = '';
    while (text.length < length) text += `${WORDS[Math.floor(next() * WORDS.length)]} `;
    return text.trim();
  });
}

export const MESSAGES = makeMessages(1000);

const SYLLABLES =
  `an ba bel cor da den el fa fin ga gor ha hil in ja jor ka kel la lin lo ma mar mi na nel no or pa
  pel ra ri ron sa sel si ta tan ti tor ul va vin wa wil ya yor za zel`.split(/\s+/);

/** Different usernames, of three or four syllables and sometimes a number. */
export function makeUsernames(count: number): string[] {
  const next = random(2);
  const syllable = () => SYLLABLES[Math.floor(next() * SYLLABLES.length)];
  const names = new Set<string>();
  while (names.size < count) {
    const name = syllable() + syllable() + syllable() + (next() < 0.4 ? syllable() : '');
    names.add(next() < 0.3 ? name + Math.floor(next() * 100) : name);
  }
  return [...names];
}
