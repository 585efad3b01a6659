import { utf8 } from "../../../native-bindings/libc.ts";

/** True when a text takes more than `most` bytes in UTF-8. Encodes only what could: a UTF-16 unit takes at most three. */
export function exceedsBytes(text: string, most: number): boolean {
  return text.length * 3 > most && utf8(text).length > most;
}
