// Parts of the page's WebAssembly that a first visit does not need: name, file, first slot, slot behind the last.
const parts = [/* PARTS */].map(([name, file, from, until]) => ({ name, url: new URL(file, import.meta.url), from, until }));

function addPart(part, module) {
    if (!part.isHere) {
        part.isHere = true;
        new WebAssembly.Instance(module, { [/* FIRST */]: wasm });
    }
}

// By name, before it is needed. One that could not be loaded may be asked for again.
globalThis.hearthPart = (name) => {
    const part = parts.find((part) => part.name === name);
    part.loading ??= (async () => {
        const response = await fetch(part.url);
        if (!response.ok) throw new Error(`${part.url}: ${response.status}`);
        addPart(part, await WebAssembly.compile(await response.arrayBuffer()));
    })().catch((error) => {
        part.loading = undefined;
        throw error;
    });
    return part.loading;
};

// When it is called before it was asked for: the call waits.
function loadPart(slot) {
    const part = parts.find((part) => part.from <= slot && slot < part.until);
    const request = new XMLHttpRequest();
    request.open("GET", part.url, false);
    // A page may not ask for bytes in this way, only for text; a Worker may ask for either.
    request.overrideMimeType("text/plain; charset=x-user-defined");
    request.send();
    if (request.status !== 200) throw new Error(`${part.url}: ${request.status}`);
    addPart(part, new WebAssembly.Module(Uint8Array.from(request.responseText, (character) => character.charCodeAt(0))));
}
