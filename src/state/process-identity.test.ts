import { expect, test } from "bun:test";
import { close } from "../../native-bindings/files.ts";
import { isAlive, openProcess, startTimeInStat, startTimeOf, trySendSignal, waitForEnd } from "./process-identity.ts";

const fields = (state: string) => `${state} 1 ${Array.from({ length: 17 }, (_, i) => i).join(" ")} 4242 0 0`;

test("a name with parentheses and spaces does not shift the fields", () => {
  expect(startTimeInStat(`7 (a) S) 1 2 (x) ${fields("S")}`)).toBe(4242);
});

test("zombies and the dead have no start time, nor has text that is no stat file", () => {
  for (const text of [`7 (a) ${fields("Z")}`, `7 (a) ${fields("X")}`, "", "nonsense"]) {
    expect(startTimeInStat(text)).toBeUndefined();
  }
});

test("a process is known by its pid and start time together", () => {
  const start = startTimeOf(process.pid)!;
  expect(isAlive(process.pid, start)).toBe(true);
  expect(isAlive(process.pid, start + 1)).toBe(false);
  expect(openProcess(process.pid, start + 1)).toBeUndefined();
  expect(openProcess(0, 0)).toBeUndefined();
  expect(startTimeOf(-1)).toBeUndefined();
});

test("waiting for a process ends with it, and not before its time is up", () => {
  const child = Bun.spawn(["sleep", "100"]);
  const pidfd = openProcess(child.pid, startTimeOf(child.pid)!)!;
  expect(waitForEnd(pidfd, 30)).toBe(false);
  expect(trySendSignal(pidfd, 9)).toBe(0);
  expect(waitForEnd(pidfd, 5000)).toBe(true);
  close(pidfd);
});

test("a process that is gone is gone also where its session lives on", async () => {
  const leader = Bun.spawn(["setsid", "sh", "-c", "sleep 100 >/dev/null & echo $! $$"]);
  const [sleeper, session] = (await new Response(leader.stdout).text()).trim().split(" ").map(Number);
  await leader.exited;
  try {
    expect(session).toBe(leader.pid);
    expect(openProcess(leader.pid, 1)).toBeUndefined();
  } finally {
    process.kill(sleeper!, "SIGKILL");
  }
});
