// Nothing is here; only the frame works.
import { startShell } from "./shell.js";

startShell();
