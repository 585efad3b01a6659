/** What checkpoint and restore have in common: where images and logs are, and what criu is told about it. */
import { close, exists, mkdirs, O_DIRECTORY, O_RDONLY, tryOpen, tryRmdir } from "../../native-bindings/files.ts";
import type { CriuOptions } from "../criu/messages.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";

/** Options of both commands. Paths are absolute. */
export interface CriuSettings {
  readonly imagePath: string;
  /** Where criu writes its logs; undefined: beside the images. */
  readonly workPath: string | undefined;
  readonly tcpEstablished: boolean;
  readonly externalUnixSockets: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly autoDedup: boolean;
  readonly lazyPages: boolean;
  /** criu_cg_mode */
  readonly cgroupMode: number;
  /** CLONE_NEW* of the namespaces that are made new and whose properties stay as they are then. */
  readonly emptyNamespaces: number;
}

/** The directories, open for as long as criu works. */
export interface CriuDirectories {
  readonly images: number;
  readonly work: number | undefined;
  /** Those that were made, outermost first. */
  readonly made: readonly string[];
}

/**
 * Opens the directories.
 *
 * @param makeImages makes that of the images, for a dump. Only its owner may look into it: it will hold memory.
 * @throws RuntimeFault naming the option; then nothing that was made is left.
 */
export function openDirectories({ imagePath, workPath }: CriuSettings, makeImages: boolean): CriuDirectories {
  const made: string[] = [];
  const opened: number[] = [];
  try {
    if (makeImages) makeDirectory(imagePath, "--image-path", made);
    opened.push(openDirectory(imagePath, "--image-path"));
    if (workPath === undefined) return { images: opened[0]!, work: undefined, made };
    makeDirectory(workPath, "--work-path", made);
    opened.push(openDirectory(workPath, "--work-path"));
    return { images: opened[0]!, work: opened[1], made };
  } catch (error) {
    for (const fd of opened) close(fd);
    removeMade(made);
    throw error;
  }
}

function makeDirectory(path: string, where: string, made: string[]): void {
  try {
    made.push(...mkdirs(path, 0o700));
  } catch (error) {
    throw asFault(error, `unable to make the directory ${path}`, where);
  }
}

function openDirectory(path: string, where: string): number {
  const fd = tryOpen(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) throw new RuntimeFault({ what: `unable to open the directory ${path}`, where, errno: -fd });
  return fd;
}

export function closeDirectories({ images, work }: CriuDirectories): void {
  close(images);
  if (work !== undefined) close(work);
}

/** Directories that were made for nothing go. Those with a log in them stay. */
export function removeMade(made: readonly string[]): void {
  for (let index = made.length - 1; index >= 0; index--) tryRmdir(made[index]!);
}

/** The annotation that names a configuration file of criu for one container; empty for none. */
const CONFIG_ANNOTATION = "org.criu.config";

/**
 * The options of both commands. What a configuration file says counts more, for criu, than they do.
 *
 * @param logName of criu's log, in the work directory.
 */
export function commonOptions(
  settings: CriuSettings,
  directories: CriuDirectories,
  annotations: Readonly<Record<string, string>> | undefined,
  logName: string,
): CriuOptions {
  const configured = annotations !== undefined && Object.hasOwn(annotations, CONFIG_ANNOTATION);
  return {
    images_dir_fd: directories.images,
    work_dir_fd: directories.work,
    log_level: 4,
    log_file: logName,
    config_file: (configured ? annotations[CONFIG_ANNOTATION] : "/etc/criu/runc.conf") || undefined,
    notify_scripts: true,
    orphan_pts_master: true,
    manage_cgroups: true,
    manage_cgroups_mode: settings.cgroupMode,
    empty_ns: settings.emptyNamespaces,
    tcp_established: settings.tcpEstablished,
    ext_unix_sk: settings.externalUnixSockets,
    shell_job: settings.shellJob,
    file_locks: settings.fileLocks,
    auto_dedup: settings.autoDedup,
    lazy_pages: settings.lazyPages,
  };
}

/** A failure of criu's own with the place of its log, which is quoted in ours. Others are what they are. */
export function withLog(error: unknown, settings: CriuSettings, logName: string, log: Log): unknown {
  if (!(error instanceof RuntimeFault) || !error.facts.what.startsWith("criu failed: ")) return error;
  const path = `${settings.workPath ?? settings.imagePath}/${logName}`;
  const { logExcerpt } = require("../criu/log-excerpt.ts") as typeof import("../criu/log-excerpt.ts");
  for (const line of logExcerpt(path)) log.warn(line);
  // The first error that criu met need not be what it failed for: the log says more.
  if (!exists(path)) return error;
  return new RuntimeFault({
    ...error.facts,
    where: path,
    hint: "`criu check` tells whether this criu works with this kernel",
  });
}
