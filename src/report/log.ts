/**
 * The logger: lines as logrus, runc's logger, writes them, because callers parse them (containerd takes the last `error`
 * line of the JSON log for the reason of a failure).
 *
 * Logging never fails and never blocks the operation that it tells about.
 */
import { ENXIO } from "../../native-bindings/errno.ts";
import {
  close,
  fstat,
  O_APPEND,
  O_CREAT,
  O_NOCTTY,
  O_NONBLOCK,
  O_WRONLY,
  S_IFCHR,
  S_IFIFO,
  S_IFREG,
  tryOpen,
} from "../../native-bindings/files.ts";
import { addressOf, syscall, syscallRetry, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "./fault.ts";
import { requireWorkingDirectory } from "./working-directory.ts";

export type LogLevel = "debug" | "info" | "warning" | "error";

export interface Log {
  /** False when only `--debug` would show it: spares making the text. */
  readonly debugging: boolean;
  debug(message: string): void;
  /** A debug line on a stage that is done, with the milliseconds since the runtime's start and since the last stage. */
  stage(what: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface LogSettings {
  /** `--log`: the file that lines are appended to; "" is standard error. */
  readonly path: string;
  readonly format: "text" | "json";
  readonly debug: boolean;
}

class Logger implements Log {
  readonly debugging: boolean;
  private readonly fd: number;
  private readonly json: boolean;
  private readonly started = Date.now();
  /** Of the engine's clock, whose beginning may be that of another process. */
  private readonly firstStage = performance.now();
  private lastStage = this.firstStage;

  constructor(fd: number, json: boolean, debugging: boolean) {
    this.fd = fd;
    this.json = json;
    this.debugging = debugging;
  }

  debug(message: string): void {
    if (this.debugging) this.write("debug", message);
  }

  stage(what: string): void {
    if (!this.debugging) return;
    const now = performance.now();
    this.write("debug", `${what} (${(now - this.firstStage).toFixed(1)} ms, +${(now - this.lastStage).toFixed(1)})`);
    this.lastStage = now;
  }

  info(message: string): void {
    this.write("info", message);
  }

  warn(message: string): void {
    this.write("warning", message);
  }

  error(message: string): void {
    this.write("error", message);
  }

  private write(level: LogLevel, message: string): void {
    const lines = require("./log-line.ts") as typeof import("./log-line.ts");
    const now = new Date();
    const line = this.json
      ? lines.jsonLine(level, message, now)
      : isTerminal(this.fd)
        ? lines.terminalLine(level, message, Math.trunc((now.getTime() - this.started) / 1000))
        : lines.textLine(level, message, now);
    const bytes = utf8(line);
    // One write, so that lines of several processes do not mix. A full disk or a closed descriptor loses the line only.
    syscallRetry(SYS.write, this.fd, addressOf(bytes), bytes.length);
  }
}

/**
 * Opens the log. The file is made even when nothing will be logged: callers read it after every failure.
 *
 * @throws RuntimeFault when the file cannot be opened or is nothing that takes lines.
 */
export function openLog(settings: LogSettings): Log {
  const fd = settings.path === "" ? 2 : openLogFile(settings.path);
  return new Logger(fd, settings.format === "json", settings.debug);
}

/**
 * O_NONBLOCK: opening a FIFO that nobody reads must not wait, and writing to one that is full must not either.
 * O_NOCTTY: a terminal given as log must not become ours.
 */
function openLogFile(path: string): number {
  requireWorkingDirectory(path, "--log");
  const fd = tryOpen(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0o644);
  if (fd < 0) {
    const hint = fd === -ENXIO ? "nothing reads from it" : undefined;
    throw new RuntimeFault({ what: `open ${path}`, where: "--log", errno: -fd, hint });
  }
  const { type } = fstat(fd);
  // /dev/stderr is a pipe for many callers, so pipes are taken too.
  if (type !== S_IFREG && type !== S_IFCHR && type !== S_IFIFO) {
    close(fd);
    throw new RuntimeFault({ what: `open ${path}: not a file to log to`, where: "--log" });
  }
  return fd;
}

const TCGETS = 0x5401;

function isTerminal(fd: number): boolean {
  const termios = new Uint8Array(64);
  return syscall(SYS.ioctl, fd, TCGETS, addressOf(termios)) === 0;
}
