// Nothing is here; only the frame works.
import "./words.js";
import { startShell } from "./shell.js";

startShell();
