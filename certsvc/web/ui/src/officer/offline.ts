// The officer's device without network: what it holds, how old that is, what waits to be sent.
import { computed, onMounted, onUnmounted, ref, shallowRef, watch } from "vue";
import { call, Problem } from "../../../pages/static/js/api.js";
import { type Device, deviceName, enrol, keptDevice } from "../shared/device";
import type { Session } from "../shared/session";
import { DeviceStore } from "../shared/store";
import type { Me, Visit } from "../shared/types";
import { t } from "../shared/words";
import { applied, type Held, keysOf, type Ready, ready } from "./bundle";
import { type Kept, type QueuedRecord, RecordQueue, type RefusedRecord } from "./queue";
import { type ShownVisit, shownOf } from "./visits";

const HELD = "bundle";
const OWNER = "owner";
/** That this device was told to check no more without network. */
const TAKEN = "taken";
/** The visit of the owner as it was last shown. */
const VISIT = "visit";
const REFRESH_MS = 10 * 60 * 1000;
const TICK_MS = 15 * 1000;

type Jwk = JsonWebKey & { kid: string };

/** Who enrolled this device, so that it knows without network whom it serves. */
export interface Owner {
  subject: string;
  me: Me;
  name: string;
}

export function useOffline(session: Session) {
  const store = new DeviceStore("officer");
  const queue = new RecordQueue(store);
  const device = shallowRef<Device | undefined>();
  const owner = shallowRef<Owner | undefined>();
  const data = shallowRef<Ready | undefined>();
  const queued = shallowRef<Kept[]>([]);
  const waiting = computed(() => queued.value.length);
  const refused = shallowRef<RefusedRecord[]>([]);
  const taken = ref(false);
  const lastVisit = shallowRef<ShownVisit | null>(null);
  const now = ref(Date.now());
  const age = computed(() => (data.value ? Math.max(0, now.value / 1000 - data.value.asOf) : 0));
  /** Whether its owner is signed in: what was noted is for nobody else who holds this device. */
  const ownerHere = computed(() => owner.value !== undefined && owner.value.name === session.person.value?.name);
  let held: Held | undefined;
  /** A key that the issuer took back is trusted until this page is opened anew, as bundles on the device are. */
  const keyOf = keysOf(async () => ((await call("GET", "/v1/offline-bundle/keys")) as { keys: Jwk[] }).keys);

  async function count(): Promise<void> {
    queued.value = await queue.waiting();
    refused.value = await queue.refused();
  }

  async function fetched(since: number): Promise<Held | null> {
    const path = `/v1/offline-bundle?device=${encodeURIComponent(device.value?.id ?? "")}&since=${since}`;
    const file = await session.call<Blob>("GET", path, { accept: "application/cose" });
    try {
      return await applied(since ? held : undefined, new Uint8Array(await file.arrayBuffer()), keyOf);
    } catch (error) {
      // Older, another issuer's, changed on its way, or of a form to come: what is held stays as it is.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      throw new Problem("503", { detail: t("offline.bad_data") });
    }
  }

  /** Blocked as lost, or the officer's role is gone: what would still check without network goes. */
  async function giveUp(): Promise<void> {
    held = undefined;
    data.value = undefined;
    taken.value = true;
    await store.put(HELD, undefined);
    await store.put(TAKEN, true);
  }

  async function update(): Promise<void> {
    let newer: Held | null;
    try {
      newer = (held ? await fetched(held.version) : null) ?? (await fetched(0));
    } catch (error) {
      // To a colleague without the role the door is closed as well: that says nothing of the owner's device.
      if (ownerHere.value && error instanceof Problem && error.kind === "403") await giveUp();
      throw error;
    }
    if (newer) {
      held = newer;
      data.value = await ready(newer);
      await store.put(HELD, newer);
    }
  }

  /** Ask what changed, and send what waits; without network nothing happens. */
  async function refresh(): Promise<void> {
    if (!device.value || session.person.value === null) return;
    const id = device.value.id;
    try {
      await update();
    } finally {
      // Whatever became of the data: a device that was blocked gets none any more, and still delivers what it has.
      try {
        await queue.send(session, id);
        // Of records a device's number says whose they are; a picture is put on record for whoever is signed in.
        if (ownerHere.value) await queue.sendPictures(session);
      } finally {
        await count();
      }
    }
  }

  /** The same in the background: being without network is no failure to tell. */
  async function refreshQuietly(): Promise<void> {
    try {
      await refresh();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  /** Make this a device of the officer who is signed in. */
  async function enable(me: Me): Promise<void> {
    // What was refused is the same officer's to write down elsewhere; it goes with the device to nobody else.
    const rows = owner.value?.subject === me.subject ? await queue.refused() : [];
    const pictures = new Map<string, Blob>();
    for (const name of rows.flatMap((one) => one.pictures ?? [])) {
      const file = await queue.kept(name);
      if (file) pictures.set(name, file);
    }
    await store.clear();
    await queue.keepRefused(rows, pictures);
    held = undefined;
    data.value = undefined;
    lastVisit.value = null;
    taken.value = false;
    device.value = await enrol(session, store, "officer", deviceName());
    owner.value = { subject: me.subject, me: { ...me }, name: session.person.value?.name ?? me.name };
    await store.put(OWNER, owner.value);
    await refresh();
  }

  /** Keep the inspection that is on the screen, with the visit in which it is made. */
  function write(record: QueuedRecord, visit: ShownVisit | null): Promise<void> {
    const team = (visit?.officers ?? []).map((one) => `${one.badge} ${one.unit}`).join("、");
    return queue.write(record, visit ? `${visit.task_kind_zh} ${visit.task_no}　${team}` : "");
  }

  /** Keep a picture of the inspection that is on the screen. */
  function picture(id: string, file: Blob): Promise<void> {
    return queue.picture(id, file);
  }

  /** Keep what the service told of the owner's visit; whoever else is signed in leaves it as it was. */
  async function keepVisit(subject: string, visit: Visit | null): Promise<void> {
    if (!owner.value || owner.value.subject !== subject) return;
    lastVisit.value = visit && shownOf(visit);
    await store.put(VISIT, lastVisit.value);
  }

  /** The visit that this person was last told of, while it lasts. */
  function visitOf(subject: string | undefined): ShownVisit | null {
    const visit = owner.value && owner.value.subject === subject ? lastVisit.value : null;
    return visit && now.value < Date.parse(visit.valid_until) ? visit : null;
  }

  /** The officer went on: it is sent as it is. */
  async function close(id: string): Promise<void> {
    await queue.close(id);
    await count();
    await refreshQuietly();
  }

  async function begin(): Promise<void> {
    device.value = await keptDevice(store);
    owner.value = await store.get<Owner>(OWNER);
    held = await store.get<Held>(HELD);
    if (held) data.value = await ready(held);
    taken.value = (await store.get<boolean>(TAKEN)) ?? false;
    // Told by the service in the meantime, it is newer.
    lastVisit.value ??= (await store.get<ShownVisit | null>(VISIT)) ?? null;
    await queue.close();
    await count();
    await refreshQuietly();
  }

  const clock = setInterval(() => {
    now.value = Date.now();
  }, TICK_MS);
  const timer = setInterval(refreshQuietly, REFRESH_MS);
  onMounted(() => {
    void begin();
    window.addEventListener("online", refreshQuietly);
  });
  onUnmounted(() => {
    clearInterval(clock);
    clearInterval(timer);
    window.removeEventListener("online", refreshQuietly);
  });
  watch(session.person, (person) => {
    if (person) void refreshQuietly();
  });

  return {
    device,
    owner,
    ownerHere,
    data,
    taken,
    age,
    queued,
    waiting,
    refused,
    enable,
    refresh,
    write,
    picture,
    keepVisit,
    visitOf,
    kept: (name: string) => queue.kept(name),
    close,
  };
}

export type Offline = ReturnType<typeof useOffline>;
