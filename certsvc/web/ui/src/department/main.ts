import { start } from "../shared/start";
import DepartmentApp from "./DepartmentApp.vue";
import "./department.css";
import { DEPARTMENT_WORDS } from "./words";

const ROLES = ["policy_requester", "use_clerk", "use_approver", "auditor"];

start({ root: DepartmentApp, name: "department", roles: ROLES, words: [DEPARTMENT_WORDS] });
