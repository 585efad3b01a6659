/**
 * Every option that is not file system data (runc's mount flags, propagation, recursive attributes, extensions), as one
 * string: a set of 90 names costs more to build than the few look-ups cost.
 */
const words =
  " async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec" +
  " noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow rbind relatime remount ro rw silent" +
  " strictatime suid symfollow sync private rprivate shared rshared slave rslave unbindable runbindable rro rrw rnosuid" +
  " rsuid rnodev rdev rnoexec rexec rnodiratime rdiratime rnosymfollow rsymfollow rrelatime rnorelatime rnoatime ratime" +
  " rstrictatime rnostrictatime tmpcopyup idmap ridmap ";

/** False when the option would be handed to the file system as data. */
export function isMountWord(option: string): boolean {
  return !option.includes(" ") && words.includes(` ${option} `);
}
