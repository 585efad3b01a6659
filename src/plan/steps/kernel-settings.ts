/** What one system call sets for the container: names, personality, scheduling, memory policy, umask, no_new_privs. */
import { AF_INET, PR_SET_NO_NEW_PRIVS, SOCK_CLOEXEC, SOCK_DGRAM } from "../../../native-bindings/constants.ts";
import { load } from "../../program/builder.ts";
import type { Step, StepKind } from "../step.ts";
import { emitWriteFile } from "./write-file.ts";

export interface Hostname extends Step {
  readonly kind: "hostname";
  readonly name: string;
}
export const hostname: StepKind<Hostname> = {
  kind: "hostname",
  emit({ p }, { name }) {
    p.call(p.nr.sethostname, p.string(name), name.length);
  },
  describe: ({ name }) => `set the hostname to "${name}"`,
};

export interface Domainname extends Step {
  readonly kind: "domainname";
  readonly name: string;
}
export const domainname: StepKind<Domainname> = {
  kind: "domainname",
  emit({ p }, { name }) {
    p.call(p.nr.setdomainname, p.string(name), name.length);
  },
  describe: ({ name }) => `set the domainname to "${name}"`,
};

/** Written through the host's /proc before pivot_root: /proc/sys shows the namespaces of whoever opens it. */
export interface Sysctl extends Step {
  readonly kind: "sysctl";
  readonly key: string;
  /** Below /proc/sys. */
  readonly path: string;
  readonly value: string;
}
export const sysctl: StepKind<Sysctl> = {
  kind: "sysctl",
  emit({ p }, { path, value }) {
    emitWriteFile(p, `/proc/sys/${path}`, value);
  },
  describe: ({ key, value }) => `set sysctl ${key} to "${value}"`,
  failure: ({ key, value }) => `unable to set sysctl ${key} to "${value}"`,
};

/** A new network namespace starts with its loopback down. netdevice(7). */
export interface Loopback extends Step {
  readonly kind: "loopback";
}
export const loopback: StepKind<Loopback> = {
  kind: "loopback",
  emit({ p }) {
    const SIOCSIFFLAGS = 0x8914;
    const IFF_UP_RUNNING = 0x41;
    const socket = p.slot("socket");
    // struct ifreq, 40 bytes: name at 0, flags i16 at 16.
    const request = new Uint8Array(40);
    request[0] = 0x6c;
    request[1] = 0x6f;
    request[16] = IFF_UP_RUNNING;
    p.call(p.nr.socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0).save(socket);
    p.call(p.nr.ioctl, load(socket), SIOCSIFFLAGS, p.constant(request));
    p.call(p.nr.close, load(socket));
  },
  describe: () => "bring the loopback device up",
};

export interface Umask extends Step {
  readonly kind: "umask";
  readonly mask: number;
}
export const umask: StepKind<Umask> = {
  kind: "umask",
  emit({ p }, { mask }) {
    p.call(p.nr.umask, mask);
  },
  describe: ({ mask }) => `set the umask to 0${mask.toString(8)}`,
};

export interface NoNewPrivileges extends Step {
  readonly kind: "no-new-privileges";
}
export const noNewPrivileges: StepKind<NoNewPrivileges> = {
  kind: "no-new-privileges",
  emit({ p }) {
    p.call(p.nr.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  },
  describe: () => "set no_new_privs",
};

export interface Personality extends Step {
  readonly kind: "personality";
  readonly domain: string;
  readonly persona: number;
}
export const personality: StepKind<Personality> = {
  kind: "personality",
  emit({ p }, { persona }) {
    p.call(p.nr.personality, persona);
  },
  describe: ({ domain }) => `set the execution domain to ${domain}`,
};

/** sched_setattr(2). `attributes`: struct sched_attr, 56 bytes. */
export interface SetScheduler extends Step {
  readonly kind: "scheduler";
  readonly policy: string;
  readonly attributes: Uint8Array;
}
export const scheduler: StepKind<SetScheduler> = {
  kind: "scheduler",
  emit({ p }, { attributes }) {
    p.call(p.nr.sched_setattr, 0, p.constant(attributes), 0);
  },
  describe: ({ policy }) => `set the scheduling policy to ${policy}`,
  failure: ({ policy }) => `unable to set scheduler ${policy}`,
  hint: (_, errno) =>
    errno === 1
      ? "process scheduler can't be used together with AllowedCPUs; real-time policies need CAP_SYS_NICE"
      : undefined,
};

/** ioprio_set(2). */
export interface SetIoPriority extends Step {
  readonly kind: "io-priority";
  readonly class: string;
  readonly value: number;
}
export const ioPriority: StepKind<SetIoPriority> = {
  kind: "io-priority",
  emit({ p }, { value }) {
    const IOPRIO_WHO_PROCESS = 1;
    p.call(p.nr.ioprio_set, IOPRIO_WHO_PROCESS, 0, value);
  },
  describe: (step) => `set the I/O priority to ${step.class} ${step.value & 0x1fff}`,
};

/** set_mempolicy(2). `nodes`: the node mask, 64-bit words little endian. */
export interface SetMemoryPolicy extends Step {
  readonly kind: "memory-policy";
  readonly mode: number;
  readonly nodes: Uint8Array;
  readonly text: string;
}
export const memoryPolicy: StepKind<SetMemoryPolicy> = {
  kind: "memory-policy",
  emit({ p }, { mode, nodes }) {
    // The kernel reads one bit less than maxnode says.
    if (nodes.length === 0) p.call(p.nr.set_mempolicy, mode, 0, 0);
    else p.call(p.nr.set_mempolicy, mode, p.constant(nodes), nodes.length * 8 + 1);
  },
  describe: ({ text }) => `set the memory policy to ${text}`,
};
