import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { go } from "../../machine/go.ts";
import { repository } from "../../machine/runtimes.ts";

/**
 * Builds crictl, the client of Kubernetes' container runtime interface, at the version that go.mod pins, into build/. Nothing
 * is built twice.
 *
 * @returns its path. @throws when there is no `go`, or it does not build.
 */
export function buildCrictl(): string {
  const module = join(repository, "conformance/callers");
  const path = join(repository, "build/callers/crictl");
  if (existsSync(path) && statSync(path).mtimeMs > statSync(join(module, "go.sum")).mtimeMs) return path;
  console.error("building crictl");
  mkdirSync(join(repository, "build/callers"), { recursive: true });
  go(module, ["build", "-ldflags=-s -w", "-o", path, "github.com/kubernetes-sigs/cri-tools/cmd/crictl"]);
  return path;
}
