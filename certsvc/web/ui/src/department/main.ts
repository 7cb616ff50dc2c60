import { start } from "../shared/start";
import { FIELD_WORDS } from "../shared/words_fields";
import DepartmentApp from "./DepartmentApp.vue";
import "./department.css";
import { DEPARTMENT_WORDS } from "./words";

const ROLES = ["policy_requester", "use_clerk", "use_approver", "auditor"];

start({ root: DepartmentApp, name: "department", roles: ROLES, words: [FIELD_WORDS, DEPARTMENT_WORDS] });
