// Inspections made without network. Each has its own number for good, so that the service takes it once however often it
// is sent; it leaves the device only when the service said what became of it. Its pictures follow it, one by one, under
// the number that the service gave it: the same picture sent again is the same one there.
import { Problem, upload } from "../../../pages/static/js/api.js";
import { toBase64Url } from "../shared/bytes";
import type { Session } from "../shared/session";
import type { DeviceStore } from "../shared/store";

const QUEUE = "queue";
const REFUSED = "refused";
const BATCH = 100;
const NUMBER_BYTES = 18;
/** As the service's limits of one scan, and of one picture. */
export const MAX_PICTURES = 9;
export const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
/** Answers that will be the same however often a picture is sent. */
const FINAL = ["400", "404", "409", "413", "415", "422"];

export interface Said {
  outcome: string;
  due_on: string | null;
  note: string;
}

export interface QueuedRecord {
  record_id: string;
  made_at: string;
  code: string;
  decided: { light: string; reason: string };
  identity_checked: boolean;
  status_as_of: string | null;
  /** Left out where there is none, as by releases that knew neither. */
  visit_id?: string;
  outcome?: Said;
}

/** A record as it lies here. */
export interface Kept {
  record: QueuedRecord;
  open: boolean;
  /** The visit in words, for the list of what waits. */
  visit?: string;
  /** Where its pictures are kept, those that were not taken yet. */
  pictures?: string[];
  /** The number that the service gave it: only pictures are still to be sent. */
  scan?: string;
}

/** What the service did not take, with all that there was of it: somebody may have to write it down elsewhere. */
export interface RefusedRecord extends Partial<Omit<Kept, "open">> {
  record_id: string;
  made_at: string;
  detail: string;
}

interface KeptPicture {
  bytes: ArrayBuffer;
  type: string;
}

interface Answer {
  records: { record_id: string; state: string; scan_id: string; detail: string }[];
}

export class RecordQueue {
  private readonly store: DeviceStore;

  constructor(store: DeviceStore) {
    this.store = store;
  }

  /** A number that no other record has. */
  static newId(): string {
    return toBase64Url(crypto.getRandomValues(new Uint8Array(NUMBER_BYTES)));
  }

  async waiting(): Promise<Kept[]> {
    const kept = (await this.store.get<Kept[]>(QUEUE)) ?? [];
    return kept.filter((one) => !one.open);
  }

  async refused(): Promise<RefusedRecord[]> {
    return (await this.store.get<RefusedRecord[]>(REFUSED)) ?? [];
  }

  /** Put back what was refused, when the device is made new for the same officer. */
  async keepRefused(rows: RefusedRecord[], pictures: Map<string, Blob>): Promise<void> {
    for (const [name, file] of pictures) await this.keepPicture(name, file);
    await this.store.put(REFUSED, rows);
  }

  /** Keep a record that may still change while the officer looks at its answer; its pictures stay as they are. */
  async write(record: QueuedRecord, visit = ""): Promise<void> {
    await this.store.update<Kept[]>(QUEUE, (was = []) => {
      const before = was.find((one) => one.record.record_id === record.record_id);
      const others = was.filter((one) => one !== before);
      return [...others, { record, open: true, visit, pictures: before?.pictures ?? [] }];
    });
  }

  /** Keep a picture of a record; it is on the device before the record says so. */
  async picture(id: string, file: Blob): Promise<void> {
    const name = `picture.${RecordQueue.newId()}`;
    await this.keepPicture(name, file);
    let known = false;
    await this.change(id, (one) => {
      known = true;
      return { ...one, pictures: [...(one.pictures ?? []), name] };
    });
    if (known) return;
    // Sent from another tab in the meantime: nobody would ever send this picture behind it.
    await this.store.remove(name);
    throw new DOMException("the record is gone", "NotFoundError");
  }

  /** A picture that is kept. */
  async kept(name: string): Promise<Blob | undefined> {
    const found = await this.store.get<KeptPicture>(name);
    return found && new Blob([found.bytes], { type: found.type });
  }

  /** The officer went on: the record is sent as it is. Without `id` all are closed, as after the page was shut. */
  async close(id?: string): Promise<void> {
    await this.store.update<Kept[]>(QUEUE, (was = []) =>
      was.map((one) => (id === undefined || one.record.record_id === id ? { ...one, open: false } : one)),
    );
  }

  /** Send what waits; one tab at a time. */
  async send(session: Session, deviceId: string): Promise<void> {
    await navigator.locks.request("certsvc.queue", async () => {
      for (;;) {
        const fresh = (await this.waiting()).filter((one) => !one.scan).slice(0, BATCH);
        if (!fresh.length) return;
        const body = { device_id: deviceId, records: fresh.map((one) => one.record) };
        const { records: answers } = await session.call<Answer>("POST", "/v1/inspections/batch", { body });
        const told = new Map(answers.map((one) => [one.record_id, one]));
        const lost = fresh.flatMap((one) => {
          const { record_id, made_at } = one.record;
          const answer = told.get(record_id);
          return answer?.state === "refused" ? [{ ...one, record_id, made_at, detail: answer.detail }] : [];
        });
        await this.refuse(lost);
        await this.store.update<Kept[]>(QUEUE, (was = []) =>
          was.flatMap((one) => {
            const answer = told.get(one.record.record_id);
            if (!answer) return [one];
            return answer.scan_id && one.pictures?.length ? [{ ...one, scan: answer.scan_id }] : [];
          }),
        );
        if (!told.size) return;
      }
    });
  }

  /** Send the pictures of what was taken, in the name of the officer who took them. */
  async sendPictures(session: Session): Promise<void> {
    await navigator.locks.request("certsvc.queue", async () => {
      for (const one of await this.waiting()) {
        if (!one.scan) continue;
        for (const name of one.pictures ?? []) await this.sendPicture(session, one, one.scan, name);
      }
    });
  }

  private async sendPicture(session: Session, one: Kept, scan: string, name: string): Promise<void> {
    const file = await this.kept(name);
    let refusal: string | undefined;
    try {
      const path = `/v1/scans/${encodeURIComponent(scan)}/pictures`;
      const token = session.person.value?.token;
      if (file && !(await upload(path, file, () => undefined, {}, { token }))) throw new Problem("network");
    } catch (error) {
      if (!(error instanceof Problem) || !FINAL.includes(error.kind)) throw error;
      refusal = error.detail;
    }
    const { record_id, made_at } = one.record;
    if (refusal !== undefined) {
      await this.refuse([{ ...one, record_id, made_at, detail: refusal, pictures: [name] }]);
    }
    await this.change(record_id, (now) => {
      const pictures = (now.pictures ?? []).filter((other) => other !== name);
      return pictures.length ? { ...now, pictures } : undefined;
    });
    if (refusal === undefined) await this.store.remove(name);
  }

  /** Tell what was not taken; the same once only, however often the device was cut off in between. */
  private async refuse(rows: RefusedRecord[]): Promise<void> {
    if (!rows.length) return;
    const name = (one: RefusedRecord) => [one.record_id, one.scan ?? "", ...(one.pictures ?? [])].join();
    await this.store.update<RefusedRecord[]>(REFUSED, (was = []) => {
      const known = new Set(was.map(name));
      return [...was, ...rows.filter((one) => !known.has(name(one)))];
    });
  }

  private async keepPicture(name: string, file: Blob): Promise<void> {
    const picture: KeptPicture = { bytes: await file.arrayBuffer(), type: file.type };
    await this.store.put(name, picture);
  }

  private async change(id: string, work: (one: Kept) => Kept | undefined): Promise<void> {
    await this.store.update<Kept[]>(QUEUE, (was = []) =>
      was.flatMap((one) => (one.record.record_id === id ? (work(one) ?? []) : [one])),
    );
  }
}
