import { CHECK_WORDS } from "../../../pages/static/js/words_check.js";
import { start } from "../shared/start";
import { FIELD_WORDS } from "../shared/words_fields";
import OfficerApp from "./OfficerApp.vue";
import "./officer.css";
import { OFFICER_WORDS } from "./words";
import { VISIT_WORDS } from "./words_visits";

start({
  root: OfficerApp,
  name: "officer",
  roles: ["officer", "clerk"],
  words: [CHECK_WORDS, FIELD_WORDS, OFFICER_WORDS, VISIT_WORDS],
});
