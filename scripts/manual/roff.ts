/** The few pieces of roff that manual pages are made of: man(7). */

export interface PageName {
  /** "runts-create" */
  readonly name: string;
  readonly section: number;
  /** When the source was last changed, as it is to be shown; "" when not known. */
  readonly date: string;
  /** "runts 0.1.0" */
  readonly source: string;
}

export function heading({ name, section, date, source }: PageName): string {
  return `.TH ${quoted(name.toUpperCase())} ${section} ${quoted(date)} ${quoted(source)} "System Manager's Manual"\n.nh\n.ad l\n`;
}

export function section(title: string, body: string): string {
  return body === "" ? "" : `.SH ${quoted(title)}\n${body}`;
}

export function paragraph(text: string): string {
  return `.PP\n${plain(text)}\n`;
}

/** A term in bold, with its value in italics, and what there is to say of it. */
export function item(terms: readonly string[], value: string | undefined, text: string): string {
  const named = terms.map((term) => `\\fB${inline(term)}\\fR`).join(", ");
  const shown = value === undefined ? "" : ` \\fI${inline(value)}\\fR`;
  return `.TP\n${named}${shown}\n${plain(text)}\n`;
}

/** What is typed, line by line. */
export function example(lines: string): string {
  return `.PP\n.RS 4\n.EX\n${plain(lines)}\n.EE\n.RE\n`;
}

export function bold(text: string): string {
  return `\\fB${inline(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${inline(text)}\\fR`;
}

/** Text as it is: no backslash is an escape, no hyphen is a dash, no line begins with a request. */
export function plain(text: string): string {
  return inline(text).replace(/^(?=[.'])/gm, "\\&");
}

function inline(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("^", "\\(ha").replaceAll("~", "\\(ti");
}

function quoted(text: string): string {
  return `"${inline(text).replaceAll('"', "\\(dq")}"`;
}
