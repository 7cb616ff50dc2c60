// This device as the service knows it: enrolled with a key that cannot leave it, blocked when it is lost.
import { ascii, toBase64Url } from "./bytes";
import { makeKeys, publicJwk, sign } from "./keys";
import type { Session } from "./session";
import type { DeviceStore } from "./store";

const KEY = "device";

export interface Device {
  id: string;
  keys: CryptoKeyPair;
}

/** The device of this page, or undefined before it was enrolled. */
export function keptDevice(store: DeviceStore): Promise<Device | undefined> {
  return store.get<Device>(KEY);
}

/** Enrol this device: a new key, and proof that it is here. */
export async function enrol(session: Session, store: DeviceStore, kind: string, name: string): Promise<Device> {
  const keys = await makeKeys();
  const body = { kind, name, public_key: await publicJwk(keys) };
  const begun = await session.call<{ device_id: string; sign_text: string }>("POST", "/v1/devices", { body });
  const signature = toBase64Url(await sign(keys, ascii(begun.sign_text)));
  await session.call("POST", `/v1/devices/${encodeURIComponent(begun.device_id)}/proof`, { body: { signature } });
  const device = { id: begun.device_id, keys };
  await store.put(KEY, device);
  return device;
}

/** What a device is called in lists: what kind of machine it is, in a word. */
export function deviceName(): string {
  const agent = navigator.userAgent;
  if (/Android|HarmonyOS|iPhone|Mobile/i.test(agent)) return "手机";
  return /iPad|Tablet/i.test(agent) ? "平板" : "电脑";
}
