import { start } from "../shared/start";
import { FIELD_WORDS } from "../shared/words_fields";
import ConsoleApp from "./ConsoleApp.vue";
import "./console.css";
import { ROLES } from "./views";
import { CONSOLE_WORDS } from "./words";

start({ root: ConsoleApp, name: "console", roles: ROLES, words: [FIELD_WORDS, CONSOLE_WORDS] });
