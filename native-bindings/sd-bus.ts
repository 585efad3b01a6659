/**
 * sd-bus of libsystemd, the part that talking to a service manager needs: sd_bus_open_system(3), sd_bus_call(3),
 * sd_bus_message_append_basic(3), sd_bus_message_open_container(3), sd_bus_message_read_basic(3), sd_bus_process(3).
 *
 * Loaded through koffi on first use.
 */
import { errnoName } from "./errno.ts";
import { type Koffi, koffi } from "./koffi.ts";

export const soname = "libsystemd.so.0";

/** A value of a D-Bus type: strings, numbers, arrays and structures as JavaScript has them; a variant says its signature. */
export type BusValue = string | number | bigint | boolean | readonly BusValue[] | BusVariant;

export interface BusVariant {
  readonly signature: string;
  readonly value: BusValue;
}

/** Where a method is. */
export interface BusMethod {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
}

/** A refusal of the other side, or of the bus. */
export class BusError extends Error {
  constructor(
    readonly call: string,
    /** D-Bus's name, such as org.freedesktop.systemd1.UnitExists; "" when the bus itself failed. */
    readonly errorName: string,
    readonly errno: number,
    text: string,
  ) {
    super(`${call}: ${text}`);
    this.name = "BusError";
  }
}

/** sizeof(sd_bus_error): name, message, a flag. */
const ERROR_BYTES = 24;
const POINTER_BYTES = 8;

/** A pointer as koffi has it. */
type Pointer = { readonly __pointer: true } | null;
type Out<Value> = [Value | null];

interface Libsystemd {
  readonly ffi: Koffi;
  openSystem(bus: Out<Pointer>): number;
  openUser(bus: Out<Pointer>): number;
  make(bus: Out<Pointer>): number;
  setAddress(bus: Pointer, address: string): number;
  start(bus: Pointer): number;
  closeUnref(bus: Pointer): Pointer;
  newCall(bus: Pointer, message: Out<Pointer>, destination: string, path: string, face: string, member: string): number;
  appendText(message: Pointer, type: number, text: string): number;
  appendBytes(message: Pointer, type: number, bytes: Uint8Array): number;
  openContainer(message: Pointer, type: number, contents: string): number;
  closeContainer(message: Pointer): number;
  call(bus: Pointer, message: Pointer, timeoutUs: bigint, error: Uint8Array, reply: Out<Pointer>): number;
  freeError(error: Uint8Array): void;
  isSignal(message: Pointer, face: string, member: string): number;
  readText(message: Pointer, type: number, text: Out<string>): number;
  readBytes(message: Pointer, type: number, bytes: Uint8Array): number;
  enterContainer(message: Pointer, type: number, contents: string | null): number;
  process(bus: Pointer, message: Out<Pointer>): number;
  wait(bus: Pointer, timeoutUs: bigint): number;
  unref(message: Pointer): Pointer;
}

let loaded: Libsystemd | undefined;

/** @throws Error when the library is not there. */
function libsystemd(): Libsystemd {
  loaded ??= bind();
  return loaded;
}

function bind(): Libsystemd {
  const ffi = koffi();
  const library = ffi.load(soname);
  const read = "int sd_bus_message_read_basic(void *m, char type";
  const append = "int sd_bus_message_append_basic(void *m, char type";
  return {
    ffi,
    openSystem: library.func("int sd_bus_open_system(_Out_ void **bus)"),
    openUser: library.func("int sd_bus_open_user(_Out_ void **bus)"),
    make: library.func("int sd_bus_new(_Out_ void **bus)"),
    setAddress: library.func("int sd_bus_set_address(void *bus, const char *address)"),
    start: library.func("int sd_bus_start(void *bus)"),
    closeUnref: library.func("void *sd_bus_flush_close_unref(void *bus)"),
    newCall: library.func(
      "int sd_bus_message_new_method_call(void *bus, _Out_ void **m, const char *destination, const char *path, const char *interface, const char *member)",
    ),
    appendText: library.func(`${append}, const char *text)`),
    appendBytes: library.func(`${append}, const void *bytes)`),
    openContainer: library.func("int sd_bus_message_open_container(void *m, char type, const char *contents)"),
    closeContainer: library.func("int sd_bus_message_close_container(void *m)"),
    call: library.func("int sd_bus_call(void *bus, void *m, uint64_t usec, void *error, _Out_ void **reply)"),
    freeError: library.func("void sd_bus_error_free(void *error)"),
    isSignal: library.func("int sd_bus_message_is_signal(void *m, const char *interface, const char *member)"),
    readText: library.func(`${read}, _Out_ const char **text)`),
    readBytes: library.func(`${read}, void *bytes)`),
    enterContainer: library.func("int sd_bus_message_enter_container(void *m, char type, const char *contents)"),
    process: library.func("int sd_bus_process(void *bus, _Out_ void **m)"),
    wait: library.func("int sd_bus_wait(void *bus, uint64_t usec)"),
    unref: library.func("void *sd_bus_message_unref(void *m)"),
  };
}

/** Bytes of the types of fixed size, and how a value becomes them. */
const fixed: Readonly<Record<string, (value: BusValue) => Uint8Array>> = {
  y: (value) => new Uint8Array([Number(value)]),
  b: (value) => bytesOf(new Int32Array([value ? 1 : 0])),
  n: (value) => bytesOf(new Int16Array([Number(value)])),
  q: (value) => bytesOf(new Uint16Array([Number(value)])),
  i: (value) => bytesOf(new Int32Array([Number(value)])),
  u: (value) => bytesOf(new Uint32Array([Number(value)])),
  x: (value) => bytesOf(new BigInt64Array([BigInt(value as bigint)])),
  t: (value) => bytesOf(new BigUint64Array([BigInt(value as bigint)])),
  d: (value) => bytesOf(new Float64Array([Number(value)])),
};

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer as ArrayBuffer);
}

/** The first complete type of a signature: "a(ss)s" → "a(ss)". D-Bus specification, "Type system". */
function firstType(signature: string): string {
  if (signature[0] === "a") return `a${firstType(signature.slice(1))}`;
  if (signature[0] !== "(") return signature[0] ?? "";
  let depth = 0;
  for (let i = 0; i < signature.length; i++) {
    if (signature[i] === "(") depth++;
    else if (signature[i] === ")" && --depth === 0) return signature.slice(0, i + 1);
  }
  return signature;
}

/** A connection to a bus, or to one service directly. Close it when done. */
export class Bus {
  private constructor(
    private readonly library: Libsystemd,
    private readonly pointer: Pointer,
  ) {}

  /** The machine's bus. @throws BusError, or Error when libsystemd is not there. */
  static system(): Bus {
    const library = libsystemd();
    return Bus.opened(library, "sd_bus_open_system()", (out) => library.openSystem(out));
  }

  /** The bus of the user's session: DBUS_SESSION_BUS_ADDRESS, or $XDG_RUNTIME_DIR/bus. @throws likewise. */
  static user(): Bus {
    const library = libsystemd();
    return Bus.opened(library, "sd_bus_open_user()", (out) => library.openUser(out));
  }

  /** A service's own socket, without a bus between. @throws likewise. */
  static direct(address: string): Bus {
    const library = libsystemd();
    return Bus.opened(library, `sd_bus_start(${address})`, (out) => {
      const made = library.make(out);
      if (made < 0) return made;
      const set = library.setAddress(out[0]!, address);
      const started = set < 0 ? set : library.start(out[0]!);
      if (started < 0) library.closeUnref(out[0]!);
      return started;
    });
  }

  private static opened(library: Libsystemd, call: string, open: (out: Out<Pointer>) => number): Bus {
    const out: Out<Pointer> = [null];
    const result = open(out);
    if (result < 0) throw new BusError(call, "", -result, errnoName(-result));
    return new Bus(library, out[0]);
  }

  close(): void {
    this.library.closeUnref(this.pointer);
  }

  /**
   * Calls a method with arguments of the types of `signature`.
   *
   * @returns its first result, when that is a string or an object path; in a variant too.
   * @throws BusError
   */
  call(method: BusMethod, signature: string, values: readonly BusValue[]): string | undefined {
    const { library } = this;
    const message: Out<Pointer> = [null];
    const { destination, path, member } = method;
    check(member, library.newCall(this.pointer, message, destination, path, method.interface, member));
    try {
      this.append(message[0], signature, values, member);
      const reply: Out<Pointer> = [null];
      this.send(message[0], reply, member);
      try {
        return this.firstText(reply[0]);
      } finally {
        library.unref(reply[0]);
      }
    } finally {
      library.unref(message[0]);
    }
  }

  private send(message: Pointer, reply: Out<Pointer>, member: string): void {
    const { library } = this;
    const error = new Uint8Array(ERROR_BYTES);
    const result = library.call(this.pointer, message, CALL_TIMEOUT_US, error, reply);
    if (result >= 0) return;
    const name = library.ffi.decode(error, 0, "const char *") as string | null;
    const text = library.ffi.decode(error, POINTER_BYTES, "const char *") as string | null;
    library.freeError(error);
    throw new BusError(member, name ?? "", -result, text ?? errnoName(-result));
  }

  private append(message: Pointer, signature: string, values: readonly BusValue[], member: string): void {
    let rest = signature;
    for (const value of values) {
      const type = firstType(rest);
      rest = rest.slice(type.length);
      this.appendOne(message, type, value, member);
    }
  }

  private appendOne(message: Pointer, type: string, value: BusValue, member: string): void {
    const { library } = this;
    const code = type.charCodeAt(0);
    const bytes = fixed[type];
    if (bytes !== undefined) {
      check(member, library.appendBytes(message, code, bytes(value)));
    } else if (type[0] === "a") {
      const inner = type.slice(1);
      check(member, library.openContainer(message, code, inner));
      for (const item of value as readonly BusValue[]) this.appendOne(message, inner, item, member);
      check(member, library.closeContainer(message));
    } else if (type[0] === "(") {
      check(member, library.openContainer(message, STRUCT, type.slice(1, -1)));
      this.append(message, type.slice(1, -1), value as readonly BusValue[], member);
      check(member, library.closeContainer(message));
    } else if (type === "v") {
      const variant = value as BusVariant;
      check(member, library.openContainer(message, code, variant.signature));
      this.appendOne(message, variant.signature, variant.value, member);
      check(member, library.closeContainer(message));
    } else {
      check(member, library.appendText(message, code, value as string));
    }
  }

  private firstText(message: Pointer): string | undefined {
    const text: Out<string> = [null];
    for (const type of TEXTS) if (this.library.readText(message, type, text) > 0) return text[0] ?? undefined;
    if (this.library.enterContainer(message, VARIANT, "s") <= 0) return undefined;
    return this.library.readText(message, TEXTS[0], text) > 0 ? (text[0] ?? undefined) : undefined;
  }

  /**
   * Waits for a signal whose arguments begin with a number and then are strings and object paths.
   *
   * @param signature of the arguments after the number, each "s" or "o".
   * @param wanted looks at them, and says whether this is the one.
   * @returns whether it came within the time.
   * @throws BusError
   */
  awaitSignal(
    face: string,
    member: string,
    signature: string,
    timeoutMs: number,
    wanted: (texts: readonly string[]) => boolean,
  ): boolean {
    const { library } = this;
    const end = Date.now() + timeoutMs;
    for (;;) {
      const message: Out<Pointer> = [null];
      const handled = library.process(this.pointer, message);
      check(member, handled);
      if (message[0] !== null) {
        const found = library.isSignal(message[0], face, member) > 0 && wanted(this.texts(message[0], signature));
        library.unref(message[0]);
        if (found) return true;
      }
      if (handled > 0) continue;
      const left = end - Date.now();
      if (left <= 0) return false;
      check(member, library.wait(this.pointer, BigInt(left) * 1000n));
    }
  }

  private texts(message: Pointer, signature: string): string[] {
    const found: string[] = [];
    if (this.library.readBytes(message, "u".charCodeAt(0), new Uint8Array(4)) <= 0) return found;
    for (const type of signature) {
      const text: Out<string> = [null];
      if (this.library.readText(message, type.charCodeAt(0), text) <= 0) break;
      found.push(text[0] ?? "");
    }
    return found;
  }
}

const CALL_TIMEOUT_US = 25_000_000n;
const STRUCT = "r".charCodeAt(0);
const VARIANT = "v".charCodeAt(0);
const TEXTS = ["s".charCodeAt(0), "o".charCodeAt(0)] as const;

function check(call: string, result: number): void {
  if (result < 0) throw new BusError(call, "", -result, errnoName(-result));
}
