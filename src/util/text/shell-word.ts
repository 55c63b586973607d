/** A word of a command that a person pastes into a shell: quoted, unless it is harmless as it is. */
export const shellWord = (word: string): string =>
  /^[\w.,:@%+/=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
