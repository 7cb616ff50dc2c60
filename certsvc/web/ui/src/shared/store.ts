// What a page keeps on the device: keys that cannot leave it, codes for use without network, records not sent yet.
// IndexedDB, one store of names and values for each page.

const VERSION = 1;
const STORE = "kept";

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class DeviceStore {
  private readonly name: string;
  private opened: Promise<IDBDatabase> | null = null;

  constructor(page: string) {
    this.name = `certsvc.${page}`;
  }

  async get<T>(key: string): Promise<T | undefined> {
    const store = (await this.open()).transaction(STORE).objectStore(STORE);
    return asked(store.get(key)) as Promise<T | undefined>;
  }

  /** Keep `value`; it is on the device when the promise is kept. */
  async put(key: string, value: unknown): Promise<void> {
    await this.change((store) => store.put(value, key));
  }

  /** Change a value by what it was, in one transaction: two tabs never undo each other's change. */
  async update<T>(key: string, change: (was: T | undefined) => T): Promise<void> {
    await this.change((store) => {
      const was = store.get(key);
      was.onsuccess = () => store.put(change(was.result), key);
    });
  }

  /** Forget one value. */
  async remove(key: string): Promise<void> {
    await this.change((store) => store.delete(key));
  }

  /** Forget everything of this page. */
  async clear(): Promise<void> {
    await this.change((store) => store.clear());
  }

  private async change(work: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = (await this.open()).transaction(STORE, "readwrite", { durability: "strict" });
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    work(transaction.objectStore(STORE));
    await done;
  }

  private open(): Promise<IDBDatabase> {
    this.opened ??= (() => {
      const request = indexedDB.open(this.name, VERSION);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      return asked(request);
    })();
    return this.opened;
  }
}
