import { afterEach, expect, test } from "bun:test";
import { close, O_CLOEXEC, O_NOCTTY, O_RDONLY, O_RDWR, open } from "../../native-bindings/files.ts";
import { addressOf, syscall, text, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { applySettings, clearNewlineTranslation, copyWindowSize, rawMode, terminalSettings } from "./terminal.ts";

const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;

const opened: number[] = [];
afterEach(() => {
  for (const fd of opened.splice(0)) close(fd);
});

/** A pseudo-terminal: pty(7). */
function pseudoTerminal(): { master: number; slave: number } {
  const master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  opened.push(master);
  expect(syscall(SYS.ioctl, master, TIOCSPTLCK, addressOf(new Int32Array(1)))).toBe(0);
  const slave = syscall(SYS.ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  expect(slave).toBeGreaterThan(2);
  opened.push(slave);
  return { master, slave };
}

function write(fd: number, words: string): void {
  const bytes = utf8(words);
  expect(syscall(SYS.write, fd, addressOf(bytes), bytes.length)).toBe(bytes.length);
}

function read(fd: number): string {
  const bytes = new Uint8Array(100);
  return text(bytes.subarray(0, syscall(SYS.read, fd, addressOf(bytes), bytes.length)));
}

test("a terminal is told from what is none", () => {
  const { slave } = pseudoTerminal();
  const file = open("/dev/null", O_RDONLY);
  opened.push(file);
  expect(terminalSettings(slave)).toBeInstanceOf(Uint8Array);
  expect(terminalSettings(file)).toBeUndefined();
});

test("in raw mode every byte goes through as it is, at once and without an echo, line ends on the way out are made; the old settings bring the old ways", () => {
  const { master, slave } = pseudoTerminal();
  const before = terminalSettings(slave)!;
  applySettings(slave, rawMode(before));
  write(master, "\x03\x04\r\x11");
  expect(read(slave)).toBe("\x03\x04\r\x11");
  write(slave, "a\n");
  expect(read(master)).toBe("a\r\n");
  applySettings(slave, before);
  expect(terminalSettings(slave)).toEqual(before);
  write(slave, "a\n");
  expect(read(master)).toBe("a\r\n");
});

test("the settings that raw mode starts from stay as they were", () => {
  const before = terminalSettings(pseudoTerminal().slave)!;
  const copy = before.slice();
  rawMode(before);
  expect(before).toEqual(copy);
});

test("the newline translation can be cleared alone", () => {
  const { master, slave } = pseudoTerminal();
  clearNewlineTranslation(slave);
  write(slave, "a\n");
  expect(read(master)).toBe("a\n");
  // Lines are still edited: nothing is read before the end of one.
  write(master, "bx\x7f\n");
  expect(read(slave)).toBe("b\n");
});

test("a window's size is given on, and what is no terminal has none to give", () => {
  const [from, to] = [pseudoTerminal(), pseudoTerminal()];
  syscall(SYS.ioctl, from.master, TIOCSWINSZ, addressOf(Uint16Array.of(25, 80, 0, 0)));
  copyWindowSize(from.slave, to.master);
  const size = new Uint16Array(4);
  syscall(SYS.ioctl, to.slave, TIOCGWINSZ, addressOf(size));
  expect([...size]).toEqual([25, 80, 0, 0]);
  const file = open("/dev/null", O_RDONLY);
  opened.push(file);
  copyWindowSize(file, to.master);
  syscall(SYS.ioctl, to.slave, TIOCGWINSZ, addressOf(size));
  expect([...size]).toEqual([25, 80, 0, 0]);
});
