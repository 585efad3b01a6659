/** How one log line looks: logrus's text, terminal and JSON formats, to the byte. */
import { goJson } from "./go-json.ts";
import type { LogLevel } from "./log.ts";

/** `{"level":"error","msg":"...","time":"..."}`: keys in alphabetical order. */
export function jsonLine(level: LogLevel, message: string, time: Date): string {
  return `${goJson({ level, msg: message, time: rfc3339(time) })}\n`;
}

/** `time="..." level=error msg="..."`, with only those values quoted that need it. */
export function textLine(level: LogLevel, message: string, time: Date): string {
  const msg = message === "" ? "" : ` msg=${quotedIfNeeded(message)}`;
  return `time=${quotedIfNeeded(rfc3339(time))} level=${level}${msg}\n`;
}

/** What a person sees at a terminal: a coloured `ERRO[0000] message`. */
export function terminalLine(level: LogLevel, message: string, secondsSinceStart: number): string {
  const colour = level === "debug" ? 37 : level === "info" ? 36 : level === "warning" ? 33 : 31;
  const name = level.toUpperCase().slice(0, 4);
  const text = message.endsWith("\n") ? message.slice(0, -1) : message;
  return `\x1b[${colour}m${name}\x1b[0m[${`${secondsSinceStart}`.padStart(4, "0")}] ${text.padEnd(44)} \n`;
}

/** RFC 3339 to the second, in the local time zone; `Z` where that is UTC. */
export function rfc3339(time: Date): string {
  const offsetMinutes = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offsetMinutes * 60_000).toISOString().slice(0, 19);
  if (offsetMinutes === 0) return `${local}Z`;
  const minutes = Math.abs(offsetMinutes);
  const two = (n: number) => `${n}`.padStart(2, "0");
  return `${local}${offsetMinutes < 0 ? "-" : "+"}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}

function quotedIfNeeded(value: string): string {
  return /^[A-Za-z0-9._/@^+-]*$/.test(value) ? value : goQuoted(value);
}

const escapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** Go's strconv.Quote, the `%q` of its fmt package. */
export function goQuoted(value: string): string {
  let quoted = '"';
  for (const character of value) {
    const short = escapes[character];
    if (short !== undefined) quoted += short;
    else if (character === " " || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character)) quoted += character;
    else quoted += codeEscape(character.codePointAt(0)!);
  }
  return `${quoted}"`;
}

function codeEscape(code: number): string {
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
