/**
 * A criu that saves and restores nothing, but speaks `criu swrk` as criu does, after a script: so that what the runtime says, and what it
 * does when criu says this or that, can be tested where the real one doesn't work.
 *
 * FAKE_CRIU names a JSON file, {@link Script}. Every request is written, a line each, to the same name with ".said" added.
 */
import { appendFileSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { receiveWithDescriptors, sendWithDescriptors } from "../../native-bindings/unix-socket.ts";
import {
  type CriuRequest,
  type CriuResponse,
  RequestType,
  requestFields,
  responseFields,
} from "../../src/criu/messages.ts";
import { decodeMessage, encodeMessage } from "../../src/criu/protobuf.ts";

export interface Script {
  /** As `criu --version` has it: "3.17.1". */
  readonly version?: string;
  readonly features?: readonly string[];
  /** What is told before the answer. "restored" stands for the pid of the process that was restored. */
  readonly notify?: readonly { readonly script: string; readonly pid?: "restored"; readonly fd?: boolean }[];
  /** Fails with this number, and with "Error" lines in the log. */
  readonly errno?: number;
  /** Ends without an answer. */
  readonly dies?: boolean;
  /** Waits until it is killed. */
  readonly hangs?: boolean;
}

const path = process.env.FAKE_CRIU!;
const script = JSON.parse(readFileSync(path, "utf8")) as Script;
const SOCKET = Number(process.argv.at(-1));
const LIMIT_MS = 10_000;

function send(response: CriuResponse, fds: readonly number[] = []): void {
  sendWithDescriptors(SOCKET, encodeMessage(responseFields, response), fds, LIMIT_MS);
}

function receive(): CriuRequest {
  const { bytes } = receiveWithDescriptors(SOCKET, 65536, LIMIT_MS);
  if (bytes.length === 0) process.exit(1);
  return decodeMessage(requestFields, bytes) as CriuRequest;
}

/** A path that criu finds in the requester's table of descriptors. */
function directory(fd: number | undefined): string | undefined {
  return fd === undefined ? undefined : readlinkSync(`/proc/${process.ppid}/fd/${fd}`);
}

function say(what: object): void {
  appendFileSync(`${path}.said`, `${JSON.stringify(what)}\n`);
}

/** Something that can be taken for the restored init: it is in the same cgroup. */
function restored(): number {
  const child = Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
  child.unref();
  return child.pid;
}

function answer(request: CriuRequest): void {
  const { type, opts } = request;
  if (type === RequestType.VERSION) {
    const [major_number = 0, minor_number = 0, sublevel] = (script.version ?? "4.0").split(".").map(Number);
    send({ type, success: true, version: { major_number, minor_number, sublevel } });
    return;
  }
  if (type === RequestType.FEATURE_CHECK) {
    const has = (name: string) => script.features?.includes(name) === true;
    send({ type, success: true, features: { mem_track: has("mem_track"), lazy_pages: has("lazy_pages") } });
    return;
  }
  const images = directory(opts!.images_dir_fd);
  const work = directory(opts!.work_dir_fd) ?? images;
  const { pid: own, ppid } = process;
  say({ type, opts, images, work, streams: [0, 1, 2].map((fd) => readlinkSync(`/proc/self/fd/${fd}`)), own, ppid });
  writeFileSync(
    `${work}/${opts!.log_file}`,
    script.errno === undefined ? "fine\n" : "before\n(0.1) Error (fake): no luck\n",
  );
  const init = type === RequestType.RESTORE ? restored() : 0;
  for (const { script: name, pid, fd } of script.notify ?? []) {
    send({ type: RequestType.NOTIFY, success: true, notify: { script: name, pid: pid && init } }, fd ? [0] : []);
    if (receive().notify_success === true) continue;
    if (init !== 0) process.kill(init, "SIGKILL");
    send({ type, success: false, cr_errno: 0 });
    return;
  }
  if (script.hangs) syscall(SYS.ppoll, 0, 0, 0, 0, 8);
  if (script.dies) process.exit(3);
  if (script.errno !== undefined && init !== 0) process.kill(init, "SIGKILL");
  if (type === RequestType.DUMP && script.errno === undefined && !opts!.leave_running)
    process.kill(opts!.pid!, "SIGKILL");
  send({
    type,
    success: script.errno === undefined,
    cr_errno: script.errno,
    restore: init ? { pid: init } : undefined,
  });
}

answer(receive());
// Bun waits for its child otherwise.
process.exit(0);
