import { start } from "../shared/start";
import CounterApp from "./CounterApp.vue";
import "./counter.css";
import { COUNTER_WORDS } from "./words";

start({ root: CounterApp, name: "counter", roles: ["clerk"], words: [COUNTER_WORDS] });
