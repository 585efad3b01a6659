import type { Config } from "./config.ts";
import type { ConfigFault } from "./config-fault.ts";

/** A directory with a config.json that was read, parsed and found valid. */
export interface Bundle {
  /** Absolute, without symbolic links. */
  readonly directory: string;
  readonly config: Config;
  /** The bytes of config.json as read, decoded. */
  readonly configText: string;
  readonly warnings: readonly ConfigFault[];
}
