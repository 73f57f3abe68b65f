import type { Store, StoreState } from '@parley/client';
import { useEffect, useRef, useState } from 'preact/hooks';

export function useStore(store: Store): StoreState {
  const [state, setState] = useState(store.getSnapshot);
  useEffect(() => {
    const update = () => setState(store.getSnapshot());
    update();
    return store.subscribe(update);
  }, [store]);
  return state;
}

export interface Action {
  /** Runs the work unless earlier work is under way. Resolves with whether it succeeded. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  isBusy: boolean;
  /** Why the last work failed. */
  error: Error | undefined;
}

export function useAction(): Action {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const running = useRef(false);
  const run = async (work: () => Promise<unknown>) => {
    if (running.current) return false;
    running.current = true;
    setIsBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (thrown) {
      setError(thrown as Error);
      return false;
    } finally {
      running.current = false;
      setIsBusy(false);
    }
  };
  return { run, isBusy, error };
}

/** The uuid of the chat in the address of the page, so that links and the browser's button "back" work. */
export function useChatInAddress(): string | undefined {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = () => setHash(location.hash);
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return /^#\/chat\/([\w-]+)$/.exec(hash)?.[1];
}

export const addressOf = (chat: string): string => `#/chat/${chat}`;

/** Whether the user looks at the page. */
export function useIsLooking(): boolean {
  const isLooking = () => document.visibilityState === 'visible' && document.hasFocus();
  const [state, setState] = useState(isLooking);
  useEffect(() => {
    const update = () => setState(isLooking());
    const targets: [EventTarget, string][] = [
      [document, 'visibilitychange'],
      [window, 'focus'],
      [window, 'blur'],
    ];
    for (const [target, type] of targets) target.addEventListener(type, update);
    return () => {
      for (const [target, type] of targets) target.removeEventListener(type, update);
    };
  }, []);
  return state;
}
