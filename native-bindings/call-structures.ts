/**
 * Layouts of the structures that system calls point to: size in bytes, then `name:kind@offset:bytes` for each field.
 * Kinds are those of call-arguments.ts; `caps` is a capability set whose high word lies 12 bytes behind its low one.
 */
export const structures: Readonly<Record<string, string>> = {
  cap_data: "24 effective:caps@0:4 permitted:caps@4:4 inheritable:caps@8:4",
  cap_header: "8 version:hex@0:4 pid:pid@4:4",
  clone_args:
    "88 flags:flags/clone@0:8 pidfd:out/4@8:8 child_tid:pointer@16:8 parent_tid:pointer@24:8 exit_signal:signal@32:8 " +
    "stack:pointer@40:8 stack_size:size@48:8 tls:pointer@56:8 set_tid:pointer@64:8 set_tid_size:size@72:8 cgroup:fd@80:8",
  ifreq: "40 name:text@0:16 flags:flags/interface@16:2",
  int: "4 value:int@0:4",
  iovec: "16 base:data@0:8 length:size@8:8",
  mount_attr:
    "32 attr_set:flags/mount_attr@0:8 attr_clr:flags/mount_attr@8:8 propagation:flags/mount@16:8 userns_fd:fd@24:8",
  msghdr:
    "56 name:data@0:8 namelen:size@8:4 iov:struct/iovec@16:8 iovlen:size@24:8 control:data@32:8 controllen:size@40:8 " +
    "flags:flags/msg@48:4",
  open_how: "24 flags:flags/open@0:8 mode:mode@8:8 resolve:flags/resolve@16:8",
  pollfd: "8 fd:fd@0:4 events:flags/poll@4:2 revents:flags/poll@6:2",
  rlimit: "16 soft:limit@0:8 hard:limit@8:8",
  sched_attr:
    "48 size:size@0:4 policy:flags/sched_policy@4:4 flags:hex@8:8 nice:int@16:4 priority:size@20:4 runtime:size@24:8 " +
    "deadline:size@32:8 period:size@40:8",
  sigaction: "32 handler:hex@0:8 flags:hex@8:8 restorer:hex@16:8 mask:hex@24:8",
  sigset: "8 signals:hex@0:8",
  sock_fprog: "16 instructions:size@0:2 filter:pointer@8:8",
  timespec: "16 seconds:int@0:8 nanoseconds:int@8:8",
  winsize: "8 rows:size@0:2 columns:size@2:2",
};
