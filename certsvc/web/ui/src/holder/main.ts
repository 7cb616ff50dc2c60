import { CHECK_WORDS } from "../../../pages/static/js/words_check.js";
import { start } from "../shared/start";
import HolderApp from "./HolderApp.vue";
import "./holder.css";
import { HOLDER_WORDS } from "./words";

start({ root: HolderApp, name: "holder", roles: ["holder"], words: [CHECK_WORDS, HOLDER_WORDS] });
