// What the tests play on: a `planshift serve` of their own, an OpenID provider, a system outside that has mappings first (slowly, never,
// or not at all, as a test wants), and a proxy in front that can be cut.

import { spawn, execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { createServer as createTcp, connect } from "node:net";
import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const listening = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));

/**
 * Signs tokens as an OpenID provider does, and people in: `who` is whoever signs in there, `remembers` whether it lets them through the next time
 * without asking, `seconds` how long their tokens count.
 */
export async function provider() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" };
  const desk = { who: null, remembers: false, seconds: 3600, codes: new Map(), exchanged: 0 };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (claims) => {
    const signed = `${part({ alg: "RS256", typ: "JWT", kid: "one" })}.${part(claims)}`;
    return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
  };
  const claims = (partner, role, name, seconds = 3600) => {
    const now = Math.floor(Date.now() / 1000);
    return { iss: issuer, aud: "planshift", tid: partner, roles: [role], upn: name, scp: "access", iat: now, nbf: now - 100, exp: now + seconds };
  };
  const page = (answer, body) => { answer.setHeader("content-type", "text/html"); answer.end(`<!DOCTYPE html><html lang="en"><title>The provider</title>${body}</html>`); };
  const tell = (answer, value, status = 200) => { answer.writeHead(status, { "content-type": "application/json" }); answer.end(JSON.stringify(value)); };
  const lead = (answer, to) => { answer.writeHead(302, { location: to }); answer.end(); };
  const routes = {
    "/.well-known/openid-configuration": (answer) => tell(answer, {
      issuer, jwks_uri: `${issuer}/keys`, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, end_session_endpoint: `${issuer}/logout`,
    }),
    "/keys": (answer) => tell(answer, { keys: [key] }),
    "/authorize": (answer, asked) => {
      const back = (pairs) => { const to = new URL(asked.get("redirect_uri")); for (const [name, value] of [["state", asked.get("state")], ...pairs]) to.searchParams.append(name, value); return to.href; };
      const code = randomUUID();
      desk.codes.set(code, { nonce: asked.get("nonce"), challenge: asked.get("code_challenge") });
      if (desk.remembers) return lead(answer, back([["code", code]]));
      const link = (text, to) => `<p><a href="${to.replaceAll("&", "&amp;")}">${text}</a></p>`;
      page(answer, link("Go on", back([["code", code]])) + link("Refuse", back([["error", "access_denied"], ["error_description", "<b>no</b>"]])));
    },
    "/token": (answer, asked) => {
      const known = desk.codes.get(asked.get("code"));
      desk.codes.delete(asked.get("code"));
      const challenge = createHash("sha256").update(asked.get("code_verifier") ?? "").digest("base64url");
      if (known?.challenge !== challenge) return tell(answer, { error: "invalid_grant" }, 400);
      desk.exchanged += 1;
      const told = claims(...desk.who, desk.seconds);
      tell(answer, { token_type: "Bearer", access_token: sign(told), id_token: sign({ ...told, aud: "portal", nonce: known.nonce }) });
    },
    "/logout": (answer, asked) => { desk.remembers = false; page(answer, `<p>You have signed out.</p><a href="${asked.get("post_logout_redirect_uri")}">Back</a>`); },
  };
  const server = createServer((request, answer) => {
    const url = new URL(request.url, issuer);
    let body = "";
    request.on("data", (piece) => { body += piece; });
    request.on("end", () => { const route = routes[url.pathname]; if (route) route(answer, body ? new URLSearchParams(body) : url.searchParams); else { answer.statusCode = 404; answer.end(); } });
  });
  const issuer = `http://127.0.0.1:${await listening(server)}`;
  return Object.assign(desk, { issuer, token: (...whose) => sign(claims(...whose)), close: () => server.close() });
}

/** A system outside that has effects first. `hold` keeps it from having any more, `refuse` names items that it refuses (`refuseAll`: any), `pace` is how long one takes. */
export async function outside() {
  const state = { hold: false, refuseAll: false, refuse: new Set(), pace: 5, had: new Map() };
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", (piece) => { body += piece; });
    request.on("end", () => setTimeout(() => {
      const key = request.url;
      const tell = (status, value, headers = {}) => { answer.writeHead(status, { "content-type": "application/json", ...headers }); answer.end(JSON.stringify(value)); };
      if (request.method === "DELETE") { const had = state.had.get(key) === true; state.had.set(key, false); return tell(200, { had }); }
      if (state.had.get(key) === false) return tell(410, {});
      if (request.method === "GET") return state.had.get(key) ? tell(200, {}) : tell(404, {});
      const item = Object.values(JSON.parse(body).item)[0];
      if (state.refuseAll || state.refuse.has(item)) return tell(422, { code: "SubscriptionLocked", description: "The subscription is locked by its owner." });
      if (state.hold) return tell(503, {}, { "retry-after": "1" });
      state.had.set(key, true);
      return tell(200, {});
    }, state.pace));
  });
  return Object.assign(state, { url: `http://127.0.0.1:${await listening(server)}`, close: () => server.close() });
}

/** A proxy that can be cut, and mended; and led to a server that begins after it. */
export async function proxy(to) {
  const sockets = new Set();
  let isCut = false;
  const server = createTcp((near) => {
    if (isCut) return near.destroy();
    const far = connect(to, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => { sockets.delete(one); other.destroy(); });
    }
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    lead(there) { to = there; },
    cut() { isCut = true; for (const socket of sockets) socket.destroy(); },
    mend() { isCut = false; },
    close() { this.cut(); server.close(); },
  };
}

/** `planshift serve`, ready. */
export async function serve(binary, folder, environment, options = []) {
  mkdirSync(folder, { recursive: true });
  const data = join(folder, "data");
  const child = spawn(binary, ["serve", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", ...options], {
    env: { ...process.env, ...environment }, stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (piece) => { log += piece; });
  await new Promise((ready, fail) => {
    const until = Date.now() + 60_000;
    const look = () => {
      if (/^ready/m.test(log)) return ready();
      if (child.exitCode !== null || Date.now() > until) return fail(new Error(`the server is not ready:\n${log}`));
      setTimeout(look, 50);
    };
    look();
  });
  const api = /^API +(http:\S+)/m.exec(log)[1];
  const token = readFileSync(join(data, "token"), "utf8").trim();
  return {
    api, token, port: Number(new URL(api).port), log: () => log,
    async ask(path, body, as = token, method = body ? "POST" : "GET") {
      const answer = await fetch(api + path, { method, headers: { authorization: `Bearer ${as}`, "content-type": "application/json" }, body: body && (typeof body === "string" ? body : JSON.stringify(body)) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
      return { location: answer.headers.get("location"), body: text && JSON.parse(text) };
    },
    stop: () => new Promise((done) => { child.on("exit", done); child.kill("SIGTERM"); }),
  };
}

/** A document of customers that nobody has in mind. */
export function sample(binary, folder, { customers, subscriptions, seed, resellers = 2 }) {
  const file = join(folder, `sample-${seed}.json`);
  const text = execFileSync(binary, ["sample", "--customers", customers, "--subscriptions", subscriptions, "--seed", seed, "--resellers", resellers].map(String), { maxBuffer: 1 << 28 });
  writeFileSync(file, text);
  return JSON.parse(text);
}

export { randomUUID };
