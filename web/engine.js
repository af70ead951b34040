// Gives the page's own module a second life in a Worker: there is no window here, so it runs the engine.
const at = (name) => new URL(new URL(self.location).searchParams.get(name), self.location);
const js = at("js");
if (js.origin !== self.location.origin) throw new Error("the engine must come from the page's own origin");
// The page has fetched and compiled it already: its first message is the compiled module.
const compiled = new Promise((resolve) => { self.onmessage = ({ data }) => resolve(data); });

// Gathers what a WebSocket receives, for `engine/link.rs`: handing each frame to WebAssembly would cost more than reading it.
// A frame after silence is delivered at once, those that follow while the browser has others at hand together. When more than BUSY in
// a millisecond come, all of QoS 0, which nobody waits for, the Worker sleeps for NAP_MS between: to be woken for every frame costs
// up to a third of the browser's time.
// Delivers bytes, or nothing for a text frame; what it returns forgets what waits, or delivers it first.
const [HELD, NAP_MS, BUSY] = [64 * 1024, 4, 2];
// Only shared memory can be slept on. Nobody else sees this one, so nobody wakes us.
const bed = (() => {
  try {
    return new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
  } catch {
    return null;
  }
})();
self.gatherFrames = (socket, deliver) => {
  const held = new Uint8Array(HELD);
  const { port1, port2 } = new MessageChannel();
  let [length, frames, since, waiting, urgent] = [0, 0, 0, false, false];
  const flush = () => {
    const bytes = held.subarray(0, length);
    length = 0;
    if (bytes.length) deliver(bytes);
  };
  const wait = () => {
    waiting = true;
    const now = performance.now();
    const busy = frames > BUSY * Math.max(now - since, 1);
    if (busy && bed && !urgent) Atomics.wait(bed, 0, 0, NAP_MS);
    [since, frames, urgent] = [now, 0, false];
    // Comes back behind all frames that are here by then.
    port1.postMessage(null);
  };
  port2.onmessage = () => {
    waiting = false;
    if (!length) return;
    flush();
    wait();
  };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") {
      flush();
      return deliver();
    }
    const bytes = new Uint8Array(data);
    frames += 1;
    // For what is not a PUBLISH of QoS 0 somebody may wait, and what is much must not pile up.
    urgent ||= (bytes[0] & 0xf6) !== 0x30 || length + bytes.length > HELD;
    if (length + bytes.length > HELD) flush();
    if (bytes.length > HELD) return deliver(bytes);
    held.set(bytes, length);
    length += bytes.length;
    if (!waiting) {
      flush();
      wait();
    }
  };
  return (last) => {
    if (last) flush();
    deliver = () => {};
    socket.onmessage = port2.onmessage = null;
    port2.close();
  };
};
import(js).then((module) => module.default({ module_or_path: compiled })).catch((error) => self.postMessage(String(error)));
