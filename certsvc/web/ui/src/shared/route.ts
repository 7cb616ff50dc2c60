// Where the reader is: the part of the address behind "#", so that the back button works and nothing secret is in it.
import { ref } from "vue";

export const here = ref(location.hash.slice(1));

window.addEventListener("hashchange", () => {
  here.value = location.hash.slice(1);
});

/** Go to a view of this page. */
export function go(view: string): void {
  if (location.hash === `#${view}`) here.value = view;
  else location.hash = view;
}

let opened = false;

/** Whether the page was open before this view: the first view leaves the focus where the browser put it. */
export function arrived(): boolean {
  const before = opened;
  opened = true;
  return before;
}
