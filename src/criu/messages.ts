/**
 * What is said to criu and what it answers, as far as this runtime uses it. Names and numbers are those of criu's own
 * images/rpc.proto, which describes each of them.
 *
 * @see https://criu.org/RPC
 */
import { decodeMessage, encodeMessage, type Field, type FieldType, type MessageFields } from "./protobuf.ts";

/** criu_req_type */
export const RequestType = {
  DUMP: 1,
  RESTORE: 2,
  PRE_DUMP: 4,
  NOTIFY: 6,
  FEATURE_CHECK: 9,
  VERSION: 10,
} as const;

/** The name that goes with a number of {@link RequestType}: what error messages say. */
export function requestName(type: number): string {
  return Object.entries(RequestType).find(([, number]) => number === type)?.[0] ?? `${type}`;
}

/** criu_cg_mode */
export const CgroupMode = { ignore: 0, soft: 3, full: 4, strict: 5, default: 6 } as const;

export interface ExternalMount {
  /** On dump the mount point inside the container, on restore the name that the dump gave it. */
  readonly key: string;
  /** On dump a name, on restore the path in criu's mount namespace that is bound there. */
  readonly val: string;
}

/** criu_opts. Descriptors are numbers in this process's table, but for those of `inherit_fd`, which are in criu's. */
export interface CriuOptions {
  images_dir_fd: number;
  pid?: number;
  leave_running?: boolean;
  ext_unix_sk?: boolean;
  tcp_established?: boolean;
  evasive_devices?: boolean;
  shell_job?: boolean;
  file_locks?: boolean;
  log_level?: number;
  /** A name in the work directory. */
  log_file?: string;
  ps?: { address: string; port: number };
  notify_scripts?: boolean;
  root?: string;
  /** Relative to the image directory. */
  parent_img?: string;
  track_mem?: boolean;
  auto_dedup?: boolean;
  work_dir_fd?: number;
  link_remap?: boolean;
  ext_mnt?: readonly ExternalMount[];
  manage_cgroups?: boolean;
  cg_root?: readonly { ctrl: string; path: string }[];
  rst_sibling?: boolean;
  inherit_fd?: readonly { key: string; fd: number }[];
  manage_cgroups_mode?: number;
  external?: readonly string[];
  /** CLONE_NEW* */
  empty_ns?: number;
  join_ns?: readonly { ns: string; ns_file: string }[];
  freeze_cgroup?: string;
  tcp_skip_in_flight?: boolean;
  lazy_pages?: boolean;
  status_fd?: number;
  orphan_pts_master?: boolean;
  config_file?: string;
  tcp_close?: boolean;
  lsm_profile?: string;
  lsm_mount_context?: string;
}

export interface CriuFeatures {
  mem_track?: boolean;
  lazy_pages?: boolean;
}

export interface CriuRequest {
  type: number;
  opts?: CriuOptions;
  notify_success?: boolean;
  features?: CriuFeatures;
}

export interface CriuResponse {
  type: number;
  success: boolean;
  restore?: { pid: number };
  notify?: { script?: string; pid?: number };
  cr_errno?: number;
  cr_errmsg?: string;
  features?: CriuFeatures;
  version?: { major_number: number; minor_number: number; sublevel?: number; gitid?: string };
}

function one(number: number, type: FieldType): Field {
  return { number, type };
}

function list(number: number, type: FieldType): Field {
  return { number, type, repeated: true };
}

const optionFields: { readonly [Name in keyof Required<CriuOptions>]: Field } = {
  images_dir_fd: one(1, "int"),
  pid: one(2, "int"),
  leave_running: one(3, "bool"),
  ext_unix_sk: one(4, "bool"),
  tcp_established: one(5, "bool"),
  evasive_devices: one(6, "bool"),
  shell_job: one(7, "bool"),
  file_locks: one(8, "bool"),
  log_level: one(9, "int"),
  log_file: one(10, "string"),
  ps: one(11, { address: one(1, "string"), port: one(2, "int") }),
  notify_scripts: one(12, "bool"),
  root: one(13, "string"),
  parent_img: one(14, "string"),
  track_mem: one(15, "bool"),
  auto_dedup: one(16, "bool"),
  work_dir_fd: one(17, "int"),
  link_remap: one(18, "bool"),
  ext_mnt: list(23, { key: one(1, "string"), val: one(2, "string") }),
  manage_cgroups: one(24, "bool"),
  cg_root: list(25, { ctrl: one(1, "string"), path: one(2, "string") }),
  rst_sibling: one(26, "bool"),
  inherit_fd: list(27, { key: one(1, "string"), fd: one(2, "int") }),
  manage_cgroups_mode: one(34, "int"),
  external: list(37, "string"),
  empty_ns: one(38, "int"),
  join_ns: list(39, { ns: one(1, "string"), ns_file: one(2, "string") }),
  freeze_cgroup: one(44, "string"),
  tcp_skip_in_flight: one(46, "bool"),
  lazy_pages: one(48, "bool"),
  status_fd: one(49, "int"),
  orphan_pts_master: one(50, "bool"),
  config_file: one(51, "string"),
  tcp_close: one(52, "bool"),
  lsm_profile: one(53, "string"),
  lsm_mount_context: one(63, "string"),
};

const featureFields: MessageFields = { mem_track: one(1, "bool"), lazy_pages: one(2, "bool") };

/** criu_req */
export const requestFields: MessageFields = {
  type: one(1, "int"),
  opts: one(2, optionFields),
  notify_success: one(3, "bool"),
  features: one(5, featureFields),
};

/** criu_resp */
export const responseFields: MessageFields = {
  type: one(1, "int"),
  success: one(2, "bool"),
  restore: one(4, { pid: one(1, "int") }),
  notify: one(5, { script: one(1, "string"), pid: one(2, "int") }),
  cr_errno: one(7, "int"),
  features: one(8, featureFields),
  cr_errmsg: one(9, "string"),
  version: one(10, {
    major_number: one(1, "int"),
    minor_number: one(2, "int"),
    gitid: one(3, "string"),
    sublevel: one(4, "int"),
  }),
};

export function encodeRequest(request: CriuRequest): Uint8Array {
  return encodeMessage(requestFields, request);
}

/** @throws RangeError for bytes that are no answer. */
export function decodeResponse(bytes: Uint8Array): CriuResponse {
  const response = decodeMessage(responseFields, bytes) as Partial<CriuResponse>;
  if (response.type === undefined || response.success === undefined) throw new RangeError("type or success is missing");
  return response as CriuResponse;
}
