/** What a request gave, as far as a sentence may repeat it: one line, short, nothing that steers a terminal or reads the other way round. */
export function shown(given: string): string {
  const line = given.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
