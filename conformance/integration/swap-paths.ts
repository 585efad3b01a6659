/**
 * Exchanges two paths for as long as it lives: what a hostile container does to a volume while another one is being set up.
 * Run by the engine: bun swap-paths.ts A B
 */
import { AT_FDCWD } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";

const RENAME_EXCHANGE = 2;
const [first, second] = process.argv.slice(2) as [string, string];
const [a, b] = [cstring(first, 0), cstring(second, 1)];
process.stdout.write("ready\n");
// Ends with whoever started it, or after a minute.
for (const deadline = Date.now() + 60_000; Date.now() < deadline && process.ppid !== 1; ) {
  for (let round = 0; round < 1000; round++) syscall(SYS.renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}
