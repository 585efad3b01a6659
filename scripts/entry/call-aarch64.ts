import {
  add,
  addressOf,
  andOne,
  branchLink,
  load,
  loadIndexed,
  loadPair,
  loadPairAfter,
  move,
  movzLong,
  ret,
  SP,
  store,
  storePair,
  storePairBefore,
  supervisorCall,
  ZERO,
} from "../../src/program/aarch64-instructions.ts";
import { ARGUMENTS, type Entries, type ModulePlaces, SLOT } from "./call-layout.ts";

/** Two pairs of registers are saved at the frame's bottom. */
const SAVED = 0x10;
const ARGC = 0x20;
const RESULT = 0x28;
const GIVEN = 0x30;
const VALUES = GIVEN + 8 * ARGUMENTS;
const FRAME = VALUES + 8 * ARGUMENTS;

const FRAME_POINTER = 29;
const LINK = 30;
const ENVIRONMENT = 19;
const TABLE = 20;
const CALLED = 9;
const NUMBER = 8;

/** The call module's functions on aarch64: AAPCS64 6.8, the first eight arguments go in registers. */
export function callAarch64(places: ModulePlaces): Entries {
  const words: number[] = [];
  const at = () => places.code + 4 * words.length;
  const raw = at();
  words.push(move(NUMBER, 0));
  for (let i = 0; i < 6; i++) words.push(move(i, i + 1));
  words.push(supervisorCall(), ret());

  const call = at();
  words.push(storePairBefore(FRAME_POINTER, LINK, SP, -FRAME), storePair(ENVIRONMENT, TABLE, SP, SAVED));
  words.push(move(ENVIRONMENT, 0));
  words.push(addressOf(TABLE, places.table - at()));
  words.push(movzLong(CALLED, ARGUMENTS), store(CALLED, SP, ARGC));
  words.push(add(2, SP, ARGC), add(3, SP, GIVEN), move(4, ZERO), move(5, ZERO));
  const invoke = (slot: number) => words.push(load(CALLED, TABLE, slot), branchLink(CALLED));
  invoke(SLOT.getArguments);
  for (let i = 0; i < ARGUMENTS; i++) {
    words.push(move(0, ENVIRONMENT), load(1, SP, GIVEN + 8 * i), add(2, SP, VALUES + 8 * i));
    words.push(store(ZERO, SP, VALUES + 8 * i)); // What is no number stays so.
    invoke(SLOT.toInteger);
  }
  words.push(load(CALLED, SP, VALUES), andOne(CALLED, CALLED), loadIndexed(CALLED, TABLE, CALLED));
  for (let i = 0; i < 7; i++) words.push(load(i, SP, VALUES + 8 + 8 * i));
  words.push(branchLink(CALLED));
  words.push(move(1, 0), move(0, ENVIRONMENT), add(2, SP, RESULT));
  invoke(SLOT.fromInteger);
  words.push(load(0, SP, RESULT), loadPair(ENVIRONMENT, TABLE, SP, SAVED));
  words.push(loadPairAfter(FRAME_POINTER, LINK, SP, FRAME), ret());

  const register = at();
  words.push(storePairBefore(FRAME_POINTER, LINK, SP, -32));
  words.push(move(1, ZERO), move(2, ZERO));
  words.push(addressOf(3, call - at()));
  words.push(move(4, ZERO), add(5, SP, SAVED));
  words.push(addressOf(CALLED, places.table - at()));
  words.push(load(CALLED, CALLED, SLOT.createFunction), branchLink(CALLED));
  words.push(load(0, SP, SAVED), loadPairAfter(FRAME_POINTER, LINK, SP, 32), ret());
  return { raw, register, bytes: new Uint8Array(new Int32Array(words).buffer) };
}
