/** Terminal settings by ioctl: termios(3), ioctl_tty(2). */
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

const TCGETS = 0x5401;
const TCSETSW = 0x5403;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
/** The kernel's struct termios: four 32-bit flag words, the line discipline, 19 control characters. */
const TERMIOS_BYTES = 44;
const VTIME = 5;
const VMIN = 6;
const CONTROL_CHARACTERS = 17;

// c_iflag, c_oflag, c_cflag, c_lflag
const IGNBRK_TO_IXON = 0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000;
const ONLCR = 4;
const CSIZE_PARENB = 0o60 | 0o400;
const CS8 = 0o60;
const ECHO_ECHONL_ICANON_ISIG_IEXTEN = 0o10 | 0o100 | 0o2 | 0o1 | 0o100000;

/** A terminal's settings, or undefined when the descriptor is none. */
export function terminalSettings(fd: number): Uint8Array | undefined {
  const settings = new Uint8Array(TERMIOS_BYTES);
  return syscall(SYS.ioctl, fd, TCGETS, addressOf(settings)) === 0 ? settings : undefined;
}

/** Applies settings once what was written has gone out. */
export function applySettings(fd: number, settings: Uint8Array): void {
  syscall(SYS.ioctl, fd, TCSETSW, addressOf(settings));
}

/**
 * The same settings in raw mode: every byte that is typed goes through as it is. cfmakeraw(3), but for the way out: the container's terminal
 * leaves line ends alone ({@link clearNewlineTranslation}), so they are still this one's to make.
 */
export function rawMode(settings: Uint8Array): Uint8Array {
  const raw = settings.slice();
  const flags = new Uint32Array(raw.buffer, 0, 4);
  flags[0]! &= ~IGNBRK_TO_IXON;
  flags[2] = (flags[2]! & ~CSIZE_PARENB) | CS8;
  flags[3]! &= ~ECHO_ECHONL_ICANON_ISIG_IEXTEN;
  raw[CONTROL_CHARACTERS + VMIN] = 1;
  raw[CONTROL_CHARACTERS + VTIME] = 0;
  return raw;
}

/** Leaves line ends alone on the way out of a pseudo-terminal: the outer terminal sees to them. */
export function clearNewlineTranslation(fd: number): void {
  const settings = terminalSettings(fd);
  if (settings === undefined) return;
  new Uint32Array(settings.buffer, 0, 4)[1]! &= ~ONLCR;
  applySettings(fd, settings);
}

/** Gives one terminal the window size of another. The kernel tells the programs on it (SIGWINCH). */
export function copyWindowSize(from: number, to: number): void {
  const size = new Uint16Array(4);
  if (syscall(SYS.ioctl, from, TIOCGWINSZ, addressOf(size)) === 0) syscall(SYS.ioctl, to, TIOCSWINSZ, addressOf(size));
}
