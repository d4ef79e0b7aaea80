/** The backlog in IndexedDB. */

import { type Backlog, BacklogFull, type Item, type Recording } from "./backlog";

const NAME = "ridealong-rep";
const RECORDINGS = "recordings";
const ITEMS = "items";

export class IndexedBacklog implements Backlog {
  readonly durable = true;

  private constructor(private database: IDBDatabase) {}

  /** Raises DOMException where the browser keeps nothing. */
  static async open(): Promise<IndexedBacklog> {
    return new IndexedBacklog(await openDatabase());
  }

  async recordings(): Promise<Recording[]> {
    const all = await answer<Recording[]>(this.database.transaction(RECORDINGS).objectStore(RECORDINGS).getAll());
    return all.sort((a, b) => a.startedAt - b.startedAt);
  }

  async save(recording: Recording): Promise<void> {
    await this.write([RECORDINGS], (transaction) => {
      transaction.objectStore(RECORDINGS).put(recording);
    });
  }

  async append(recording: Recording, items: Item[]): Promise<void> {
    await this.write([RECORDINGS, ITEMS], (transaction) => {
      transaction.objectStore(RECORDINGS).put(recording);
      for (const item of items) transaction.objectStore(ITEMS).put(item, [recording.key, item.n]);
    });
  }

  async read(key: string, from: number, limit: number): Promise<Item[]> {
    const range = IDBKeyRange.bound([key, from], [key, Number.MAX_VALUE]);
    return await answer<Item[]>(this.database.transaction(ITEMS).objectStore(ITEMS).getAll(range, limit));
  }

  async drop(recording: Recording, numbers: number[]): Promise<void> {
    await this.write([RECORDINGS, ITEMS], (transaction) => {
      transaction.objectStore(RECORDINGS).put(recording);
      for (const n of numbers) transaction.objectStore(ITEMS).delete([recording.key, n]);
    });
  }

  async trim(recording: Recording, n: number, bytes: number): Promise<void> {
    const { key } = recording;
    await this.write([RECORDINGS, ITEMS], (transaction) => {
      transaction.objectStore(RECORDINGS).put(recording);
      const store = transaction.objectStore(ITEMS);
      const reading = store.get([key, n]) as IDBRequest<Item | undefined>;
      reading.onsuccess = () => {
        const item = reading.result;
        if (item?.kind === "audio") store.put({ ...item, pcm: item.pcm.slice(bytes) }, [key, n]);
      };
    });
  }

  async forget(key: string): Promise<void> {
    await this.write([RECORDINGS, ITEMS], (transaction) => {
      transaction.objectStore(RECORDINGS).delete(key);
      transaction.objectStore(ITEMS).delete(IDBKeyRange.bound([key, -Number.MAX_VALUE], [key, Number.MAX_VALUE]));
    });
  }

  private async write(stores: string[], work: (transaction: IDBTransaction) => void): Promise<void> {
    try {
      await this.writeOnce(stores, work);
    } catch (error) {
      // Safari drops its connection to the database now and then; everything that was kept is still there.
      if (!(error instanceof DOMException) || error.name !== "InvalidStateError") throw error;
      this.database = await openDatabase();
      await this.writeOnce(stores, work);
    }
  }

  private writeOnce(stores: string[], work: (transaction: IDBTransaction) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(stores, "readwrite");
      // Only now does it outlive the page: a request that succeeded can still be rolled back.
      transaction.oncomplete = () => resolve();
      transaction.onerror = () => reject(translated(transaction.error));
      transaction.onabort = () => reject(translated(transaction.error));
      work(transaction);
    });
  }
}

async function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(RECORDINGS, { keyPath: "key" });
    // The key is [recording, n]: one range is one recording in order.
    opening.result.createObjectStore(ITEMS);
  };
  return await answer(opening);
}

function translated(error: DOMException | null): Error {
  return error?.name === "QuotaExceededError" ? new BacklogFull() : (error ?? new Error("IndexedDB gave up"));
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
