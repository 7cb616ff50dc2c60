import { CHECK_WORDS } from "../../../pages/static/js/words_check.js";
import { start } from "../shared/start";
import { FIELD_WORDS } from "../shared/words_fields";
import HolderApp from "./HolderApp.vue";
import "./holder.css";
import { HOLDER_WORDS } from "./words";
import { CONSENT_WORDS } from "./words_consents";
import { SHARING_WORDS } from "./words_sharing";

start({
  root: HolderApp,
  name: "holder",
  roles: ["holder"],
  words: [CHECK_WORDS, FIELD_WORDS, HOLDER_WORDS, CONSENT_WORDS, SHARING_WORDS],
});
