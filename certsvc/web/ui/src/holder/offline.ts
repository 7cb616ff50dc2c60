// Showing without network: this device's key, and what the issuer signed for it, good for a day at most.
import { ref, shallowRef } from "vue";
import { call } from "../../../pages/static/js/api.js";
import { type Bytes, fromBase64Url } from "../shared/bytes";
import { type Device, deviceName, enrol, keptDevice } from "../shared/device";
import type { Session } from "../shared/session";
import { DeviceStore } from "../shared/store";
import type { Card } from "../shared/types";

const CORES = "cores";
const OWNER = "owner";
const LEFT_OUT = "left_out";
/** Cores are fetched anew when they have lived for this part of their day. */
const RENEW_AFTER_S = 6 * 3600;

/** One license on this device; `refused` says why it can be shown online only. `skew`: the service's clock less ours. */
export interface KeptCore {
  identifier: string;
  typeName: string;
  core: Bytes;
  issuedAt: number;
  expiresAt: number;
  skew: number;
  refused: string;
}

interface CoreAnswer {
  identifier: string;
  type_name: string;
  core: string;
  issued_at: string;
  expires_at: string;
  refused: string;
}

/** Codes that the service makes in one call (``MAX_CORES``). */
const MOST_AT_ONCE = 50;

const seconds = (iso: string) => new Date(iso).getTime() / 1000;

function makeOffline(session: Session) {
  const store = new DeviceStore("holder");
  const device = shallowRef<Device | undefined>();
  const cores = shallowRef<KeptCore[]>([]);
  /** Whether the service makes offline codes at all. */
  const offered = ref(false);
  const owner = ref("");

  /** Licenses that belong on this device: those in force that can be shown, less those that the holder took off it. */
  async function wanted(cards: readonly Card[]): Promise<Card[]> {
    const leftOut = (await store.get<string[]>(LEFT_OUT)) ?? [];
    return cards.filter((card) => card.good && card.scenes.length && !leftOut.includes(card.identifier));
  }

  async function fetchCores(cards: readonly Card[]): Promise<void> {
    const identifiers = (await wanted(cards)).map((card) => card.identifier);
    if (!device.value) return;
    const made: KeptCore[] = [];
    for (let at = 0; at < identifiers.length; at += MOST_AT_ONCE) {
      made.push(...(await coresOf(device.value.id, identifiers.slice(at, at + MOST_AT_ONCE))));
    }
    await store.put(CORES, made);
    cores.value = made;
  }

  async function coresOf(device_id: string, identifiers: string[]): Promise<KeptCore[]> {
    const before = Date.now() / 1000;
    const body = { device_id, identifiers };
    const answer = await session.call<{ cores: CoreAnswer[] }>("POST", "/v1/shows/offline", { body });
    return answer.cores.map((one) => ({
      identifier: one.identifier,
      typeName: one.type_name,
      core: fromBase64Url(one.core),
      issuedAt: seconds(one.issued_at),
      expiresAt: seconds(one.expires_at),
      skew: seconds(one.issued_at) - (before + Date.now() / 1000) / 2,
      refused: one.refused,
    }));
  }

  async function load(): Promise<void> {
    device.value = await keptDevice(store);
    cores.value = (await store.get<KeptCore[]>(CORES)) ?? [];
    owner.value = (await store.get<string>(OWNER)) ?? "";
  }

  /** Kept when it is known what lies on the device, whether somebody is signed in or not. */
  const loaded = load();

  /** What is on the device, and whether there could be more. */
  async function begin(): Promise<void> {
    await loaded;
    offered.value = await call("GET", "/v1/offline-codes/keys").then(
      (found: { keys: unknown[] }) => found.keys.length > 0,
      () => false,
    );
  }

  /** Make this a device of the holder who is signed in. */
  async function enable(cards: readonly Card[]): Promise<void> {
    device.value = await enrol(session, store, "holder", deviceName());
    owner.value = session.person.value?.name ?? "";
    await store.put(OWNER, owner.value);
    await fetchCores(cards);
  }

  /** Fetch cores anew when they are old or licenses came and went. */
  async function renew(cards: readonly Card[]): Promise<void> {
    if (!device.value || owner.value !== session.person.value?.name) return;
    const known = new Set(cores.value.map((one) => one.identifier));
    const now = await wanted(cards);
    const same = now.length === known.size && now.every((card) => known.has(card.identifier));
    const old = cores.value.some((one) => Date.now() / 1000 - one.issuedAt > RENEW_AFTER_S);
    if (old || !same) await fetchCores(cards);
  }

  /** Take one license off this device, with or without network; it stays off until the device is enabled anew. */
  async function drop(identifier: string): Promise<void> {
    const rest = cores.value.filter((one) => one.identifier !== identifier);
    await store.update<string[]>(LEFT_OUT, (was = []) => [...was, identifier]);
    await store.put(CORES, rest);
    cores.value = rest;
  }

  /**
   * Take all of it off this device; the service is told that its key is no longer used, if it can be reached, in the
   * name of whoever has `token`, who may have left the page.
   */
  async function disable(token = session.person.value?.token): Promise<void> {
    const id = device.value?.id;
    device.value = undefined;
    cores.value = [];
    await store.clear();
    if (!id) return;
    const path = `/v1/devices/${encodeURIComponent(id)}/block`;
    await call("POST", path, { token, keepalive: true }).catch(() => undefined);
  }

  return { device, cores, offered, owner, loaded, begin, enable, renew, drop, disable };
}

let made: ReturnType<typeof makeOffline> | null = null;

/** One for the page: the wallet, the code and the login all look at the same device. */
export function useOffline(session: Session): ReturnType<typeof makeOffline> {
  made ??= makeOffline(session);
  return made;
}
