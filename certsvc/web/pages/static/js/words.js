// All words of the plain pages, made known to speech.js. The pages built in ui/ make known only those they need.
import { addWords } from "./speech.js";
import { CATALOG_WORDS } from "./words_catalog.js";
import { CHECK_WORDS } from "./words_check.js";
import { PROOF_WORDS } from "./words_proof.js";
import { SEAL_WORDS } from "./words_seals.js";
import { SHELL_WORDS } from "./words_shell.js";
import { SIGN_WORDS } from "./words_sign.js";
import { STAMP_WORDS } from "./words_stamp.js";
import { SUPERVISION_WORDS } from "./words_supervision.js";
import { VERIFIER_WORDS } from "./words_verifier.js";

addWords({ ...SHELL_WORDS, ...CHECK_WORDS, ...CATALOG_WORDS, ...PROOF_WORDS, ...SEAL_WORDS, ...SIGN_WORDS, ...STAMP_WORDS, ...SUPERVISION_WORDS, ...VERIFIER_WORDS });

export * from "./speech.js";
