/** `npm run conformance -- SUITE [options]`: black-box suites against bin/runts, with runc and crun beside it. */
const suites: Record<string, { readonly about: string; readonly run: (args: string[]) => Promise<number> }> = {
  "runtime-tools": {
    about:
      "the validation programs of github.com/opencontainers/runtime-tools [--only NAME] [--runtime PATH] [--json FILE] [--no-peers] [--programs DIRECTORY]",
    run: async (args) => (await import("./runtime-tools/main.ts")).runtimeTools(args),
  },
  bats: {
    about:
      "runc's own integration tests --source DIR, a checkout of runc [--peer PATH [--kept-peer]] [--only FILE.bats] [--filter REGEX] [--as root|rootless] [--runtime PATH] [--table FILE]",
    run: async (args) => (await import("./bats/main.ts")).bats(args),
  },
  soak: {
    about:
      "thousands of containers one after the other, and what they leave behind [--count N] [--runtime PATH] [--json FILE]",
    run: async (args) => (await import("./soak/main.ts")).soak(args),
  },
  callers: {
    about:
      "what containerd, Docker, Podman and Kubernetes do with a runtime [--only ctr|docker|podman|cri|cri-o] [--load] [--runtime PATH]\n" +
      "                 [--peer PATH] [--no-peers] [--json FILE] [--keep]",
    run: async (args) => (await import("./callers/main.ts")).callersSuite(args),
  },
};

const [name = "", ...args] = process.argv.slice(2);
const suite = suites[name];
if (suite === undefined) {
  console.error(`usage: npm run conformance -- SUITE [options]\n`);
  for (const [each, { about }] of Object.entries(suites)) console.error(`  ${each.padEnd(14)} ${about}`);
  process.exit(2);
}
process.exitCode = await suite.run(args);

export {};
