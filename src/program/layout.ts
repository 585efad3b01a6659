/**
 * Where everything in a program's image lies, and the format of one operation.
 *
 * The addresses are fixed, so that an operation can name a string or a saved value the moment it is written down; only the
 * sizes are known at the end. All of them are below 2 GiB: arguments are 32-bit words, sign-extended by the walker.
 */

/** Header, walker and operations: readable, executable. */
export const CODE_BASE = 0x400000;
/** Strings and constant structures: readable. */
export const CONSTANT_BASE = 0x4000000;
/** The message words, saved values and structures that the kernel fills: readable, writable. */
export const DATA_BASE = 0x8000000;
/** One past the last address of the data. */
export const DATA_END = 0xc000000;

/** ELF header (64) and four program headers (56 each): the walker follows. */
export const WALKER_OFFSET = 288;
/** The operations start here, whatever the walker's length (133 bytes on x86_64, 160 on aarch64). */
export const OPERATIONS_OFFSET = 512;
export const OPERATIONS_ADDRESS = CODE_BASE + OPERATIONS_OFFSET;

/** One operation: twelve little-endian 32-bit words. */
export const OPERATION_WORDS = 12;
export const OPERATION_BYTES = 48;
/** System call number; negative: `xor` of the first two arguments. */
export const WORD_NUMBER = 0;
/** Bit k: argument k is the address of a saved value. */
export const WORD_MASK = 1;
export const WORD_ARGUMENTS = 2;
/** Where the result is saved. */
export const WORD_SAVE = 8;
/** The next operation after a negative result. */
export const WORD_ON_ERROR = 9;
/** The next operation after zero. */
export const WORD_ON_ZERO = 10;
/** Unused by the walker: the step that the operation belongs to, so that a listing needs nothing else. */
export const WORD_STEP = 11;

export const XOR = -1;

/**
 * The first data words are the error message as it is sent: its tag, the address of the failing operation, and -errno.
 * The walker rewrites the last two at every negative result.
 */
export const ERROR_MESSAGE = DATA_BASE;
export const ERROR_ADDRESS = DATA_BASE + 4;
/** Results that nobody reads go here. */
export const SCRATCH = DATA_BASE + 12;
/** The first free data address. */
export const DATA_START = DATA_BASE + 16;

/** What the program writes to the sync socket: three words, of which the first is one of these. */
export const MESSAGE_BYTES = 12;
export enum Message {
  /** Second word: address of the failing operation; third: -errno. */
  Failed = 1,
  /** The process waits for its id maps to be written. */
  WantsMaps = 2,
  /** Second word: the pid of a new process as the host sees it. Third: 1 when it only makes the next one, and ends. */
  Cloned = 3,
  /** The mounts are made; the runtime's hooks may run. */
  WantsHooks = 4,
  /** Second word: the seccomp listener's descriptor number in init. */
  Listener = 5,
  /** Everything is done; init blocks until start. */
  Ready = 6,
  /** A hook inside the container ended badly. Second word: its wait status. */
  HookStatus = 7,
  /** Sent to the result channel: this start was taken; the next thing is execve. */
  Started = 9,
  /** Two descriptors come with it: a tmpfs and the directory whose content it wants (tmpcopyup). */
  WantsCopy = 8,
  /** One descriptor comes with it: a detached mount that is to be id-mapped. Second word: its index among the config's mounts. */
  WantsIdMapping = 11,
  /** Comes before Failed: what the kernel says about a mount that it refused. The text follows the first word. */
  KernelText = 10,
}
/** Size of a KernelText message: its tag, and a text that ends at the first NUL or the end. */
export const KERNEL_TEXT_BYTES = 200;
