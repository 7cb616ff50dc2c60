// Who is signed in on this page, for this tab only. The token lives in sessionStorage, travels as Bearer and never
// stands in an address. The key and form are those of the plain pages, so /sign knows a holder who signed in here.
import { computed, type InjectionKey, inject, ref, shallowRef } from "vue";
import { type Ask, call, Problem } from "../../../pages/static/js/api.js";
import { announce } from "../../../pages/static/js/dom.js";
import { endSession, watchIdle } from "../../../pages/static/js/leaving.js";
import { goToProvider, left } from "../../../pages/static/js/provider.js";
import type { SamplePerson } from "./types";
import { t } from "./words";

interface Kept {
  token: string;
  name: string;
  until: number;
}

/** Failures after which the same question may well be answered. */
const WORTH_ANOTHER_TRY = ["network", "slow", "429", "500", "503"];

export class Session {
  readonly roles: readonly string[];
  readonly trouble = shallowRef<{ problem: Problem; retry?: () => void } | null>(null);
  readonly person = computed(() => this.kept.value);
  private readonly key: string;
  private readonly kept = ref<Kept | null>(null);

  constructor(name: string, roles: readonly string[]) {
    this.key = `certsvc.${name}`;
    this.roles = roles;
    this.kept.value = this.read();
    watchIdle({ signedIn: () => this.kept.value !== null, onIdle: () => this.idle() });
  }

  /** Call the service as this person; an ended session leads back to the login with a sentence that says so. */
  // biome-ignore lint/suspicious/noExplicitAny: every caller names the type it expects
  async call<T = any>(method: string, path: string, ask: Ask = {}): Promise<T> {
    try {
      return await call(method, path, { ...ask, token: this.kept.value?.token });
    } catch (error) {
      if (error instanceof Problem && error.kind === "401") {
        this.forget();
        this.trouble.value = { problem: error };
      }
      throw error;
    }
  }

  /** Run `work`; what goes wrong is shown, with another try where that can help. A lost session was shown already. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      this.trouble.value = null;
      return await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.kind === "401") return undefined;
      const again = WORTH_ANOTHER_TRY.includes(error.kind);
      this.trouble.value = { problem: error, retry: again ? () => void this.attempt(work) : undefined };
      return undefined;
    }
  }

  /** Show a failure that no call brought. */
  fail(kind: string): void {
    this.trouble.value = { problem: new Problem(kind) };
  }

  async enter(person: SamplePerson): Promise<void> {
    const answer = await call("POST", "/v1/sandbox/login", { body: { subject: person.subject } });
    const until = Date.now() + answer.expires_in * 1000;
    this.kept.value = { token: answer.access_token, name: person.name, until };
    sessionStorage.setItem(this.key, JSON.stringify(this.kept.value));
    announce(t("login.done", { name: person.name }));
  }

  /** Sign in at the identity provider of the region; the way leads back to this page. */
  goToProvider(): Promise<void> {
    return goToProvider(this.key);
  }

  /**
   * Forget the person here at once, and let the token open nothing any more, once `last` has done in its name what is
   * left to do.
   */
  leave(last: (token: string) => Promise<void> = async () => undefined): void {
    const token = this.kept.value?.token;
    this.forget();
    this.trouble.value = null;
    announce(t("login.left"));
    if (!token) return;
    left();
    const end = () => {
      window.removeEventListener("pagehide", end);
      endSession(token);
    };
    // A page that is closed now waits for nothing.
    window.addEventListener("pagehide", end);
    void last(token).finally(end);
  }

  /** End the sessions of this person on every device, this one among them. */
  async leaveEverywhere(): Promise<void> {
    await this.call("POST", "/v1/sign-outs", { body: { everywhere: true } });
    this.forget();
    this.trouble.value = null;
    announce(t("login.left"));
  }

  private idle(): void {
    endSession(this.kept.value?.token);
    this.forget();
    this.fail("idle");
  }

  private forget(): void {
    this.kept.value = null;
    sessionStorage.removeItem(this.key);
  }

  private read(): Kept | null {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) || "null");
      return kept && kept.until > Date.now() ? kept : null;
    } catch {
      return null;
    }
  }
}

export const SESSION: InjectionKey<Session> = Symbol("session");

/** The session of the page this component stands on. */
export function useSession(): Session {
  const session = inject(SESSION);
  if (!session) throw new Error("no session was provided");
  return session;
}
