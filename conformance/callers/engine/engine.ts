import type { Image } from "../image.ts";
import type { Place } from "../place.ts";

/** Docker or Podman: their command lines are the same for most of what is asked here. */
export interface Engine {
  readonly name: "docker" | "podman";
  readonly place: Place;
  readonly files: Image;
  readonly image: string;
  /** argv of a client's command. */
  readonly client: (...words: string[]) => string[];
  /** argv of `run --rm` without a network and below the session's cgroup; the words start with flags. */
  readonly run: (...words: string[]) => string[];
  /** argv of `run --rm` below the session's cgroup, with the network that is usual; the words start with flags. */
  readonly connected: (...words: string[]) => string[];
  /** argv of `run -d`, likewise, for a container of this name. */
  readonly start: (name: string, ...words: string[]) => string[];
  /** argv of `create`, likewise. */
  readonly create: (name: string, ...words: string[]) => string[];
  /** argv of `rm` for running containers too. */
  readonly remove: (...names: string[]) => string[];
  /** A field of `inspect`, by a Go template. */
  readonly inspect: (template: string, name: string) => Promise<string>;
  /** The capabilities of a container by default, as in /proc/self/status. */
  readonly capabilities: { readonly usual: string; readonly withSysAdmin: string };
}
