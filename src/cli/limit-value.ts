/** The spellings of limits on the command line, and what is wrong with the others, in the words of runc's libraries. */

/** A value, or why there is none. */
export type Parsed = { readonly value: number | bigint } | { readonly problem: string };

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** Go's strconv.ParseUint(text, 10, 64). */
export function parseUint64(text: string): Parsed {
  if (!/^\d+$/.test(text)) return syntax("ParseUint", text);
  return within(BigInt(text), 0n, MAX_UINT64, "ParseUint", text);
}

/** Go's strconv.ParseInt(text, 10, 64). */
export function parseInt64(text: string): Parsed {
  if (!/^[+-]?\d+$/.test(text)) return syntax("ParseInt", text);
  const value = BigInt(text.replace("+", ""));
  return within(value, -MAX_INT64 - 1n, MAX_INT64, "ParseInt", text);
}

const suffixes: Readonly<Record<string, number>> = {
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/**
 * A number of bytes: "67108864", "64M", "1.5 GiB"; all suffixes are powers of 1024. "-1" is no limit.
 *
 * @see https://pkg.go.dev/github.com/docker/go-units#RAMInBytes
 */
export function parseBytes(text: string): Parsed {
  if (text === "-1") return { value: -1 };
  const [, number, space, suffix] = /^(.*[0-9.]|.*(?= ))?( ?)([^0-9. ]*)$/s.exec(text)!;
  if (number === undefined && space === "") return { problem: `invalid size: '${text}'` };
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(number ?? "")) return syntax("ParseFloat", number ?? "");
  const amount = Number(number);
  if (amount < 0) return { problem: `invalid size: '${text}'` };
  const unit = suffix!.toLowerCase();
  const known = /^(b?|[kmgtp](b|ib)?)$/.test(unit);
  if (!known) return { problem: `invalid suffix: '${unit.length > 3 ? suffix : unit}'` };
  // Digits alone are exact, whatever a float would make of them.
  const bytes = /^\d+$/.test(number!)
    ? BigInt(number!) * BigInt(suffixes[unit[0]!] ?? 1)
    : BigInt(Math.trunc(Math.min(amount * (suffixes[unit[0]!] ?? 1), 2 ** 64)));
  return within(bytes, 0n, MAX_INT64, "ParseInt", text);
}

function syntax(call: string, text: string): Parsed {
  return { problem: `strconv.${call}: parsing ${JSON.stringify(text)}: invalid syntax` };
}

function within(value: bigint, least: bigint, most: bigint, call: string, text: string): Parsed {
  if (value < least || value > most) {
    return { problem: `strconv.${call}: parsing ${JSON.stringify(text)}: value out of range` };
  }
  const number = Number(value);
  return { value: Number.isSafeInteger(number) ? number : value };
}
