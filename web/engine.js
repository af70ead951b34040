// Gives the page's own module a second life in a Worker: there is no window here, so it runs the engine.
const at = (name) => new URL(new URL(self.location).searchParams.get(name), self.location);
const [js, wasm] = [at("js"), at("wasm")];
if ([js, wasm].some((url) => url.origin !== self.location.origin)) throw new Error("the engine must come from the page's own origin");
import(js).then((module) => module.default({ module_or_path: wasm })).catch((error) => self.postMessage(String(error)));
