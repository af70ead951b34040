// Gives the page's own module a second life in a Worker: there is no window here, so it runs the engine.
const at = (name) => new URL(new URL(self.location).searchParams.get(name), self.location);
const js = at("js");
if (js.origin !== self.location.origin) throw new Error("the engine must come from the page's own origin");
// The page has fetched and compiled it already: its first message is the compiled module.
const compiled = new Promise((resolve) => { self.onmessage = ({ data }) => resolve(data); });

// Gathers what a WebSocket receives, for `engine/link.rs`: handing each frame to WebAssembly would cost more than reading it.
// A frame after silence is delivered at once. Those that follow while the browser has others at hand are delivered together, and of
// more than BUSY frames in a millisecond those of QoS 0, which nobody waits for, together every TICK_MS.
// Delivers bytes, or nothing for a text frame; what it returns forgets what waits, or delivers it first.
const [HELD, TICK_MS, BUSY] = [64 * 1024, 4, 2];
self.gatherFrames = (socket, deliver) => {
  const held = new Uint8Array(HELD);
  const { port1, port2 } = new MessageChannel();
  let [length, frames, since, waiting, timer] = [0, 0, 0, false, 0];
  const flush = () => {
    const bytes = held.subarray(0, length);
    length = 0;
    if (bytes.length) deliver(bytes);
  };
  const next = () => port1.postMessage(null);
  const wait = () => {
    waiting = true;
    const now = performance.now();
    const busy = frames > BUSY * Math.max(now - since, 1);
    [since, frames] = [now, 0];
    if (busy) timer = setTimeout(turn, TICK_MS);
    else next();
  };
  const turn = () => {
    [waiting, timer] = [false, 0];
    if (!length) return;
    flush();
    wait();
  };
  port2.onmessage = turn;
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") {
      flush();
      return deliver();
    }
    const bytes = new Uint8Array(data);
    frames += 1;
    if (length + bytes.length > HELD) flush();
    if (bytes.length > HELD) return deliver(bytes);
    held.set(bytes, length);
    length += bytes.length;
    if (!waiting) {
      flush();
      wait();
    } else if (timer && (bytes[0] & 0xf6) !== 0x30) {
      // Not a PUBLISH of QoS 0: somebody may wait for the answer.
      clearTimeout(timer);
      timer = 0;
      next();
    }
  };
  return (last) => {
    if (last) flush();
    clearTimeout(timer);
    deliver = () => {};
    socket.onmessage = port2.onmessage = null;
    port2.close();
  };
};
import(js).then((module) => module.default({ module_or_path: compiled })).catch((error) => self.postMessage(String(error)));
