// Numbers of resident identity cards (公民身份号码), wherever they stand: in a field of their own or as the number of a license.
const CITIZEN = /(?<!\w)[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX](?!\w)/g;

/** `text` with the middle of every citizen's number hidden: the first and the last digit stay. */
export function covered(text: string): string {
  return text.replace(CITIZEN, (number) => `${number[0]}${"*".repeat(16)}${number.at(-1)}`);
}
