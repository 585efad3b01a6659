import type { Place } from "./place.ts";

interface Caller {
  readonly about: string;
  readonly checks: (place: Place) => Promise<void>;
  /** Starts `place.load` containers, four at a time, and prints how long that took. */
  readonly load?: (place: Place) => Promise<void>;
}

/** Who calls the runtime, in the order in which they are tried. */
export const callers: Readonly<Record<string, Caller>> = {
  ctr: {
    about: "containerd by its own client",
    checks: async (place) => (await import("./ctr/checks.ts")).ctrChecks(place),
  },
  docker: {
    about: "Docker, its builder and BuildKit",
    checks: async (place) => (await import("./docker/checks.ts")).dockerChecks(place),
    load: async (place) => (await import("./docker/load.ts")).dockerLoad(place),
  },
  podman: {
    about: "Podman with conmon, pods, builds, and as an ordinary user",
    checks: async (place) => (await import("./podman/checks.ts")).podmanChecks(place),
  },
  cri: {
    about: "a Kubernetes pod by containerd's CRI plugin",
    checks: async (place) => (await import("./cri/checks.ts")).criChecks(place),
  },
  "cri-o": {
    about: "conmon as CRI-O calls it, and what CRI-O calls itself",
    checks: async (place) => (await import("./cri-o/checks.ts")).crioChecks(place),
  },
};
