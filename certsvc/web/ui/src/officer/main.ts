import { CHECK_WORDS } from "../../../pages/static/js/words_check.js";
import { start } from "../shared/start";
import OfficerApp from "./OfficerApp.vue";
import "./officer.css";
import { OFFICER_WORDS } from "./words";

start({ root: OfficerApp, name: "officer", roles: ["officer", "clerk"], words: [CHECK_WORDS, OFFICER_WORDS] });
