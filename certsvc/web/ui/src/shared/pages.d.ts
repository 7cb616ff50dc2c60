// What these pages take from the plain pages (certsvc/web/pages/static/js): one source of words, calls and looks.
declare module "*/static/js/speech.js" {
  export function addWords(words: Record<string, readonly string[]>): void;
  export function applyWords(root?: ParentNode): void;
  export function english(): boolean;
  export function t(key: string, args?: Record<string, unknown>): string;
  export function has(key: string): boolean;
  export function day(text: string): string;
  export function moment(iso: string): string;
}

declare module "*/static/js/api.js" {
  export interface Ask {
    body?: unknown;
    token?: string;
    accept?: string;
    patience?: number;
    keepalive?: boolean;
  }
  export class Problem extends Error {
    kind: string;
    detail: string;
    errors: { detail?: string; code?: string; pointer?: string }[];
    code: string;
    retryAfter: number;
    constructor(kind: string | number, more?: { detail?: string; code?: string; retryAfter?: number });
  }
  // biome-ignore lint/suspicious/noExplicitAny: the caller names the type of the answer
  export function call(method: string, path: string, ask?: Ask): Promise<any>;
  export function upload(
    path: string,
    file: Blob,
    onProgress: (percent: number) => void,
    cancel: { now?: () => void },
    who: { token?: string },
  ): Promise<unknown>;
  export const OF_SESSIONS: readonly string[];
  export function troubleKind(problem: Problem): string;
}

declare module "*/static/js/provider.js" {
  export function goToProvider(key: string): Promise<void>;
  export function left(): void;
  export function loginUrl(): string;
}

declare module "*/static/js/leaving.js" {
  export const IDLE_MS: number;
  export function endSession(token: string | undefined): void;
  export function watchIdle(watched: { signedIn: () => boolean; onIdle: () => void }): void;
}

declare module "*/static/js/dom.js" {
  export const SHAPES: Record<string, string[]>;
  export function announce(text: string): void;
  export function keepFile(name: string, parts: BlobPart[], type: string): void;
}

declare module "*/static/js/shell.js" {
  export function startShell(onLanguage?: () => void): void;
}

declare module "*/static/js/reasons.js" {
  export interface Look {
    colour: "green" | "amber" | "red";
    symbol: string;
    group: string;
    word: string;
    second: string;
    next: string;
  }
  export function look(told: object | null | undefined, light?: string): Look;
}

declare module "*/static/js/words_shell.js" {
  export const SHELL_WORDS: Record<string, string[]>;
}
declare module "*/static/js/words_check.js" {
  export const CHECK_WORDS: Record<string, string[]>;
}
