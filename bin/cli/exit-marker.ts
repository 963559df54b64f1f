/** How a one-off dyno says what its command ended with: as its last words, behind a character that no text has (Heroku's clients do the same). */

const SIGN = "\uFFFF";
const WORDS = `${SIGN} heroku-command-exit-status: `;
const OCTETS = Buffer.from(SIGN);

/** The command, followed by its exit code. It runs in a shell of its own, so that `exit` and a wrong syntax end that alone; Ctrl-C ends it and not what follows. */
export function withExitMarker(command: string): string {
  return `trap : INT; bash -c ${quoted(command)}; echo "${WORDS}$?"`;
}

/** For a POSIX shell. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Passes on what a dyno prints, up to the marker. */
export function createExitMarker(pass: (octets: Buffer) => void): { take(octets: Buffer): void; end(): number | undefined } {
  let held = Buffer.alloc(0);
  return {
    take(octets) {
      held = Buffer.concat([held, octets]);
      const upTo = safeLength(held);
      if (upTo > 0) pass(held.subarray(0, upTo));
      held = held.subarray(upTo);
    },
    /** What was held back and is no marker is passed on, too. */
    end() {
      const [, code] = new RegExp(`^${WORDS}(\\d{1,3})\\r?\\n?$`).exec(held.toString()) ?? [];
      if (code === undefined && held.length > 0) pass(held);
      return code === undefined ? undefined : Number(code);
    },
  };
}

/** How much of it cannot be the beginning of the marker. */
function safeLength(octets: Buffer): number {
  for (let at = 0; ; at++) {
    at = octets.indexOf(OCTETS[0] ?? 0, at);
    if (at === -1) return octets.length;
    const rest = octets.subarray(at);
    const words = Buffer.from(WORDS);
    const common = Math.min(rest.length, words.length);
    // Digits and a line's end follow it, and then nothing.
    if (rest.subarray(0, common).equals(words.subarray(0, common)) && rest.length <= words.length + 5) return at;
  }
}
