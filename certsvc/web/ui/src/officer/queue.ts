// Inspections made without network. Each has its own number for good, so that the service takes it once however often it
// is sent; it leaves the device only when the service said what became of it.
import { toBase64Url } from "../shared/bytes";
import type { Session } from "../shared/session";
import type { DeviceStore } from "../shared/store";

const QUEUE = "queue";
const REFUSED = "refused";
const BATCH = 100;
const NUMBER_BYTES = 18;

export interface QueuedRecord {
  record_id: string;
  made_at: string;
  code: string;
  decided: { light: string; reason: string };
  identity_checked: boolean;
  status_as_of: string | null;
}

interface Kept {
  record: QueuedRecord;
  open: boolean;
}

export interface RefusedRecord {
  record_id: string;
  made_at: string;
  detail: string;
}

interface Answer {
  records: { record_id: string; state: string; detail: string }[];
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

  async waiting(): Promise<QueuedRecord[]> {
    const kept = (await this.store.get<Kept[]>(QUEUE)) ?? [];
    return kept.filter((one) => !one.open).map((one) => one.record);
  }

  async refused(): Promise<RefusedRecord[]> {
    return (await this.store.get<RefusedRecord[]>(REFUSED)) ?? [];
  }

  /** Keep a record that may still change while the officer looks at its answer. */
  async write(record: QueuedRecord): Promise<void> {
    await this.store.update<Kept[]>(QUEUE, (was = []) => {
      return [...was.filter((one) => one.record.record_id !== record.record_id), { record, open: true }];
    });
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
        const records = (await this.waiting()).slice(0, BATCH);
        if (!records.length) return;
        const body = { device_id: deviceId, records };
        const { records: answers } = await session.call<Answer>("POST", "/v1/inspections/batch", { body });
        const told = new Map(answers.map((one) => [one.record_id, one]));
        const lost = records.flatMap(({ record_id, made_at }) => {
          const one = told.get(record_id);
          return one?.state === "refused" ? [{ record_id, made_at, detail: one.detail }] : [];
        });
        if (lost.length) await this.store.update<RefusedRecord[]>(REFUSED, (was = []) => [...was, ...lost]);
        await this.store.update<Kept[]>(QUEUE, (was = []) => was.filter((one) => !told.has(one.record.record_id)));
        if (!told.size) return;
      }
    });
  }
}
