// An aedes with a WebSocket listener on a free port: node aedes.cjs USER PASSWORD
const { createServer } = require("node:http");
const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { WebSocketServer, createWebSocketStream } = require("ws");

async function main() {
  const [user, password] = process.argv.slice(2);
  // A module of the newer kind: NODE_PATH does not count for `import`.
  const file = require.resolve("aedes");
  const { Aedes } = await import(pathToFileURL(file));
  const { version } = JSON.parse(readFileSync(join(dirname(file), "package.json")));

  const broker = await Aedes.createBroker();
  broker.authenticate = (_client, name, secret, done) => {
    if (name === user && String(secret) === password) return done(null, true);
    done(Object.assign(new Error("unknown user or wrong password"), { returnCode: 4 }), null);
  };
  const server = createServer();
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    const stream = createWebSocketStream(socket);
    // A client that is cut off is what many tests are about.
    stream.on("error", () => {});
    broker.handle(stream, request);
  });
  server.listen(0, "127.0.0.1", () => console.log(`aedes ${version} listens on ${server.address().port}`));
}

main();
