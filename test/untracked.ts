import asyncHooks, { type HookCallbacks } from "node:async_hooks";

/**
 * Loaded before each test file: Node's test runner then follows its tests alone, not every promise
 * and timer that they make (decision 0033). An error that nobody awaits still fails its file.
 */
const { createHook } = asyncHooks;

asyncHooks.createHook = ({ init }: HookCallbacks) => {
  asyncHooks.createHook = createHook;
  return createHook({
    init(id, type, trigger, resource) {
      if (type === "Test") init?.(id, type, trigger, resource);
    },
  });
};
