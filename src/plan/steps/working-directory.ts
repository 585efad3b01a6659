import { ENOENT } from "../../../native-bindings/errno.ts";
import { load } from "../../program/builder.ts";
import type { Step, StepKind } from "../step.ts";

/** The first try to enter process.cwd, as the container's root; the second decides. */
export interface EnterDirectory extends Step {
  readonly kind: "enter-directory";
  readonly path: string;
}

export const enterDirectory: StepKind<EnterDirectory> = {
  kind: "enter-directory",
  emit(c, { path }) {
    c.p.call(c.p.nr.chdir, c.p.string(path)).save(c.cwdResult).ignoreError();
  },
  describe: ({ path }) => `enter the working directory ${path}`,
};

/**
 * The second try, as the container's user, where the first failed: one of the two may be allowed in where the other is not.
 * Then the kernel is asked where that is: `(unreachable)...` would be outside of the container's root (CVE-2024-21626).
 */
export interface ConfirmDirectory extends Step {
  readonly kind: "confirm-directory";
  readonly path: string;
}

/** PATH_MAX: longer than any path that chdir accepts, but the kernel may spell a longer one. */
const BUFFER_BYTES = 4096;
/** "(unr", the beginning of "(unreachable)", as a little-endian word. */
const UNREACHABLE = 0x726e7528;

export const confirmDirectory: StepKind<ConfirmDirectory> = {
  kind: "confirm-directory",
  emit(c, { path }) {
    const { p } = c;
    const entered = p.label();
    const outside = p.label();
    const inside = p.label();
    const cwd = p.space(BUFFER_BYTES);
    p.slotNames.set(cwd, "cwd");
    p.xor(load(c.cwdResult), 0).onZero(entered).ignoreError();
    p.call(p.nr.chdir, p.string(path));
    p.place(entered);
    p.call(p.nr.getcwd, cwd, BUFFER_BYTES);
    p.xor(load(cwd), UNREACHABLE).onZero(outside).ignoreError();
    p.jump(inside);
    p.place(outside);
    p.raise(ENOENT);
    p.place(inside);
  },
  describe: ({ path }) => `be in ${path} as the user, and inside the container's root`,
  failure: ({ path }, errno) =>
    errno === ENOENT
      ? `chdir to cwd ("${path}") set in config.json failed, or current working directory is outside of container mount namespace root -- possible container breakout detected`
      : `chdir to cwd ("${path}") set in config.json failed`,
};
