/** systemd over its bus: org.freedesktop.systemd1(5). */
import { callersVariable } from "../../../native-bindings/caller-words.ts";
import { ENOENT } from "../../../native-bindings/errno.ts";
import { S_IFDIR, tryLstat } from "../../../native-bindings/files.ts";
import { Bus, BusError, type BusValue, soname } from "../../../native-bindings/sd-bus.ts";
import { RuntimeFault } from "../../report/fault.ts";
import type { Property } from "./resource-properties.ts";

const SERVICE = "org.freedesktop.systemd1";
const PATH = "/org/freedesktop/systemd1";
const MANAGER = "org.freedesktop.systemd1.Manager";
const JOB_LIMIT_MS = 30_000;
const OLDEST = 240;
const FLAG = "--systemd-cgroup";

/** A connection to the machine's or the user's service manager. Close it when done. */
export class ServiceManager {
  private constructor(private readonly bus: Bus) {}

  /**
   * @param user the user's own, not the machine's.
   * @throws RuntimeFault where there is none, or no libsystemd.
   */
  static connect(user: boolean): ServiceManager {
    const booted = tryLstat("/run/systemd/system");
    if (typeof booted === "number" || booted.type !== S_IFDIR) {
      throw new RuntimeFault({
        what: "systemd not running on this host, cannot use systemd cgroups manager",
        where: FLAG,
        hint: "leave the flag out to use cgroupfs",
      });
    }
    try {
      return new ServiceManager(user ? userBus() : systemBus());
    } catch (cause) {
      if (cause instanceof BusError) throw unreachable(cause, user);
      throw new RuntimeFault({
        what: `${soname} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
        where: FLAG,
        hint: "the systemd cgroup driver needs libsystemd: install libsystemd0 (Debian, Ubuntu) or systemd-libs",
        cause,
      });
    }
  }

  close(): void {
    this.bus.close();
  }

  /** @throws RuntimeFault when it is older than what is needed, or does not say. */
  version(): number {
    const text = this.property("Version");
    const version = Number(/\d+/.exec(text)?.[0]);
    if (version >= OLDEST) return version;
    throw new RuntimeFault({ what: `systemd ${OLDEST} or newer is needed`, where: FLAG, value: text });
  }

  /** Below which its units' cgroups are: "" for the machine's own. */
  controlGroup(): string {
    const path = this.property("ControlGroup");
    return path === "/" ? "" : path;
  }

  private property(name: string): string {
    const method = { destination: SERVICE, path: PATH, interface: "org.freedesktop.DBus.Properties", member: "Get" };
    return told(`unable to get systemd's ${name}`, () => this.bus.call(method, "ss", [MANAGER, name]) ?? "");
  }

  /**
   * Starts a unit that is there as long as its processes are, and waits until it is.
   *
   * A unit of that name that has failed is cleared away first.
   *
   * @throws RuntimeFault
   */
  startTransient(unit: string, properties: readonly Property[]): void {
    const start = () =>
      this.call("StartTransientUnit", "ssa(sv)a(sa(sv))", [unit, "replace", asVariants(properties), []]);
    told(`unable to start unit "${unit}"`, () => {
      let job: string;
      this.listen();
      try {
        job = start();
      } catch (error) {
        if (!(error instanceof BusError) || !error.errorName.endsWith(".UnitExists")) throw error;
        this.resetFailed(unit);
        job = start();
      }
      const result = this.awaitJob(job);
      if (result === "done") return;
      this.resetFailed(unit);
      if (result === undefined) throw new RuntimeFault({ what: `Timeout waiting for systemd to create ${unit}` });
      throw new RuntimeFault({ what: `error creating systemd unit \`${unit}\`: got \`${result}\`` });
    });
  }

  /** Stops a unit and lets systemd forget it. One that is not there is fine. @throws RuntimeFault */
  stop(unit: string): void {
    told(`unable to stop unit "${unit}"`, () => {
      try {
        this.listen();
        this.awaitJob(this.call("StopUnit", "ss", [unit, "replace"]));
      } catch (error) {
        if (!(error instanceof BusError) || !error.errorName.endsWith(".NoSuchUnit")) throw error;
      }
      this.resetFailed(unit);
    });
  }

  /** Changes properties of a unit until it ends. @throws RuntimeFault */
  setProperties(unit: string, properties: readonly Property[]): void {
    told(`unable to set unit properties of "${unit}"`, () =>
      this.call("SetUnitProperties", "sba(sv)", [unit, true, asVariants(properties)]),
    );
  }

  /** Moves a process into a unit's cgroup: what an ordinary user has no right to do alone. @throws RuntimeFault */
  attach(unit: string, pid: number): void {
    told(`unable to add process ${pid} to unit "${unit}"`, () =>
      this.call("AttachProcessesToUnit", "ssau", [unit, "/", [pid]]),
    );
  }

  private call(member: string, signature: string, values: readonly BusValue[]): string {
    const method = { destination: SERVICE, path: PATH, interface: MANAGER, member };
    return this.bus.call(method, signature, values) ?? "";
  }

  private resetFailed(unit: string): void {
    try {
      this.call("ResetFailedUnit", "s", [unit]);
    } catch {
      // It is not there, or did not fail: nothing to forget.
    }
  }

  /** Before a job is asked for: it may be done at once. */
  private listen(): void {
    const bus = "org.freedesktop.DBus";
    const method = { destination: bus, path: "/org/freedesktop/DBus", interface: bus, member: "AddMatch" };
    try {
      this.bus.call(method, "s", [`type='signal',interface='${MANAGER}',member='JobRemoved',path='${PATH}'`]);
    } catch {
      // On its own socket there is no bus to ask, and every signal comes.
    }
  }

  /** @returns "done", or what else became of it; undefined when the time is over. */
  private awaitJob(job: string): string | undefined {
    let result: string | undefined;
    this.bus.awaitSignal(MANAGER, "JobRemoved", "oss", JOB_LIMIT_MS, ([path, , end]) => {
      if (path === job) result = end;
      return path === job;
    });
    return result;
  }
}

/** "a(sv)": names, each with a value that has its own type. */
function asVariants(properties: readonly Property[]): BusValue {
  return properties.map(({ name, signature, value }) => [name, { signature, value }]) as unknown as BusValue;
}

/** Where there is no bus, root can speak to systemd on its own socket. */
function systemBus(): Bus {
  try {
    return Bus.system();
  } catch (error) {
    if (!(error instanceof BusError) || error.errno !== ENOENT) throw error;
    return Bus.direct("unix:path=/run/systemd/private");
  }
}

function userBus(): Bus {
  try {
    return Bus.user();
  } catch (error) {
    const directory = callersVariable("XDG_RUNTIME_DIR");
    if (!(error instanceof BusError) || !directory) throw error;
    return Bus.direct(`unix:path=${directory}/systemd/private`);
  }
}

function unreachable(cause: BusError, user: boolean): RuntimeFault {
  return new RuntimeFault({
    what: user ? "cannot reach the user's systemd" : "cannot reach systemd",
    where: FLAG,
    errno: cause.errno,
    call: cause.call,
    hint: user
      ? "it needs a session: XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS set, and dbus-user-session installed"
      : "is the D-Bus daemon running?",
    cause,
  });
}

/** What systemd says is what a person must read. */
function told<Result>(what: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    throw new RuntimeFault({ what: `${what}: ${error.message}`, where: FLAG, value: error.errorName, cause: error });
  }
}
