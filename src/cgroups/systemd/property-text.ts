/** Annotations as properties of a unit: `org.systemd.property.NAME` with a value in GVariant's text format. */
import type { BusValue, BusVariant } from "../../../native-bindings/sd-bus.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { pointerPart } from "../resource-write.ts";
import type { Property } from "./resource-properties.ts";

const PREFIX = "org.systemd.property.";

/**
 * The properties that annotations ask for. As in runc, a name that ends in `Sec` after a small letter is given in seconds, and
 * systemd's bus wants it in microseconds as `USec`.
 *
 * @throws RuntimeFault for a name or a value that can't be one.
 * @see systemd.resource-control(5); GLib, "GVariant Text Format"
 */
export function annotatedProperties(annotations: Readonly<Record<string, string>> | undefined): Property[] {
  const properties: Property[] = [];
  for (const [key, text] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(PREFIX)) continue;
    const name = key.slice(PREFIX.length);
    const where = `/annotations/${pointerPart(key)}`;
    if (!/^[A-Za-z]{3,}$/.test(name)) {
      throw new RuntimeFault({
        what: `annotation ${key} name incorrect: ${name.length < 3 ? "too short" : "contains non-alphabetic character"}`,
        where,
      });
    }
    properties.push(property(name, parseVariant(text, key, where), key, text, where));
  }
  return properties;
}

function property(name: string, variant: BusVariant, key: string, text: string, where: string): Property {
  if (!/[a-z]Sec$/.test(name)) return { name, ...variant };
  const { value } = variant;
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new RuntimeFault({ what: `annotation ${key}=${text} value parse error: not a number of seconds`, where });
  }
  const microseconds = BigInt(Math.round(Number(value) * 1e6));
  return { name: name.replace(/Sec$/, "USec"), signature: "t", value: microseconds };
}

const keywords: Readonly<Record<string, string>> = {
  boolean: "b",
  byte: "y",
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  handle: "h",
  int64: "x",
  uint64: "t",
  double: "d",
  string: "s",
  objectpath: "o",
  signature: "g",
};

/** A value in GVariant's text: strings, numbers, booleans, arrays, structures, each with or without its type before it. */
export function parseVariant(text: string, key: string, where: string): BusVariant {
  const parser = new Parser(text);
  const variant = parser.variant();
  if (variant === undefined || !parser.atEnd()) {
    throw new RuntimeFault({
      what: `annotation ${key}=${text} value parse error`,
      where,
      value: text,
      hint: `the value is GVariant text: 'a string', true, 42, uint64 42, ['a', 'b']`,
    });
  }
  return variant;
}

class Parser {
  private at = 0;
  constructor(private readonly text: string) {}

  atEnd(): boolean {
    this.skipSpaces();
    return this.at === this.text.length;
  }

  variant(): BusVariant | undefined {
    const type = this.type();
    return this.value(type);
  }

  private skipSpaces(): void {
    while (this.at < this.text.length && " \t\n".includes(this.text[this.at]!)) this.at++;
  }

  private take(pattern: RegExp): string | undefined {
    this.skipSpaces();
    const sticky = new RegExp(pattern.source, "y");
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (found === null) return undefined;
    this.at = sticky.lastIndex;
    return found[0];
  }

  /** `@as` or a keyword. */
  private type(): string | undefined {
    const marked = this.take(/@[a-z()]+/);
    if (marked !== undefined) return marked.slice(1);
    const start = this.at;
    const word = this.take(/[a-z]+[0-9]*/);
    if (word !== undefined && keywords[word] !== undefined) return keywords[word];
    this.at = start;
    return undefined;
  }

  private value(type: string | undefined): BusVariant | undefined {
    this.skipSpaces();
    switch (this.text[this.at]) {
      case "[":
        return this.array(type);
      case "(":
        return this.structure();
      case "'":
      case '"':
        return this.quoted(type ?? "s");
      default:
        return this.plain(type);
    }
  }

  private array(type: string | undefined): BusVariant | undefined {
    const items = this.list("[", "]");
    if (items === undefined) return undefined;
    const signature = type ?? (items[0] === undefined ? undefined : `a${items[0].signature}`);
    if (signature === undefined || items.some((item) => item.signature !== items[0]!.signature)) return undefined;
    return { signature, value: items.map((item) => item.value) };
  }

  private structure(): BusVariant | undefined {
    const items = this.list("(", ")");
    if (items === undefined || items.length === 0) return undefined;
    const signature = `(${items.map((item) => item.signature).join("")})`;
    return { signature, value: items.map((item) => item.value) };
  }

  private list(open: string, close: string): BusVariant[] | undefined {
    this.at += open.length;
    const items: BusVariant[] = [];
    for (;;) {
      this.skipSpaces();
      if (this.text[this.at] === close) break;
      const item = this.variant();
      if (item === undefined) return undefined;
      items.push(item);
      this.skipSpaces();
      if (this.text[this.at] === ",") this.at++;
      else if (this.text[this.at] !== close) return undefined;
    }
    this.at++;
    return items;
  }

  private quoted(type: string): BusVariant | undefined {
    const quote = this.text[this.at]!;
    let value = "";
    for (let i = this.at + 1; i < this.text.length; i++) {
      const character = this.text[i]!;
      if (character === quote) {
        this.at = i + 1;
        return { signature: type, value };
      }
      value += character === "\\" ? (this.text[++i] ?? "") : character;
    }
    return undefined;
  }

  private plain(type: string | undefined): BusVariant | undefined {
    const word = this.take(/true|false|[-+]?[0-9][0-9a-zA-Z.+-]*/);
    if (word === undefined) return undefined;
    if (word === "true" || word === "false") return { signature: "b", value: word === "true" };
    if (/^[-+]?(0x[0-9a-fA-F]+|[0-9]+)$/.test(word)) {
      const value: BusValue = word.startsWith("-") ? -BigInt(word.slice(1)) : BigInt(word.replace("+", ""));
      return type === "d" ? { signature: type, value: Number(value) } : { signature: type ?? "i", value };
    }
    const value = Number(word);
    return Number.isNaN(value) ? undefined : { signature: "d", value };
  }
}
