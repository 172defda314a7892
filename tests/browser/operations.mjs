// Operations, on a server of its own: a step is paused for everybody there. Letters die as they do in earnest: a message that nobody can read is
// laid into the broker's file while the server is down.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { check, expect, same, state, until } from "./checks.mjs";
import { outside, randomUUID, sample, serve } from "./stage.mjs";

/** Does something by hand to what a service has stored. */
function damage(folder, service, statement) {
  execFileSync("python3", ["-c", "import sqlite3, sys; base = sqlite3.connect(sys.argv[1], timeout=20); base.execute(sys.argv[2]); base.commit()", join(folder, "data", `${service}.db`), statement]);
}

/** Messages to mapping whose bodies are none, in the broker's file. */
export function spoiled(folder, count) {
  const values = Array.from({ length: count }, () => `(${["'planshift.mapping'", 0, 0, "'coordinator'", 500, `'${randomUUID()}'`, "'MapSubscriptions.v1'", `'${randomUUID()}'`, "NULL", Date.now() * 1000, "''", "''", "'{not json'", 0].join()})`);
  const statement = `INSERT INTO message (queue, due, attempts, sender, size, message_id, kind, correlation_id, reply_to, sent_at, traceparent, tracestate, body, body_encoding) VALUES ${values.join()}`;
  execFileSync("python3", ["-c", "import sqlite3, sys; base = sqlite3.connect(sys.argv[1]); base.execute(sys.argv[2]); base.commit()", join(folder, "data", "broker.db"), statement]);
}

/** Gives where it is, who may look, the pages that there are then, and how it is ended. */
export async function operations({ binary, folder, visitor, picture, reader }) {
  const [mapping, suspension] = [await outside(), await outside()];
  // mapping has one call in flight: what it has not begun waits in its queue
  const environment = { PLANSHIFT_VERIFY_EVERY: "2s", PLANSHIFT_MAPPING_PROVISIONER_IN_FLIGHT: "1" };
  for (const [name, far] of [["MAPPING", mapping], ["SUSPENSION", suspension]]) {
    environment[`PLANSHIFT_${name}_PROVISIONER_URL`] = far.url;
    environment[`PLANSHIFT_${name}_PROVISIONER_ALLOW_HTTP`] = "true";
  }
  const place = join(folder, "operations");
  await (await serve(binary, place, environment)).stop();
  spoiled(place, 3);
  const server = await serve(binary, place, environment);
  const own = sample(binary, folder, { customers: 30, subscriptions: 3, seed: 21 });
  await server.ask("/v1/accounts", JSON.stringify(own));
  const free = [];
  for (const one of own.customers) if ((await server.ask("/v1/productUpgrades/eligibility", { customerId: one.id, productFamily: "Azure" })).body.isEligible) free.push(one.id);
  const begin = async (at) => (await server.ask("/v1/productUpgrades", { customerId: free[at], productFamily: "Azure" })).location;
  const { context, page } = await visitor(server.token, {}, server.api);
  const pages = ["/portal/operations", "/portal/operations/letters", "/portal/operations/steps/mapping"];
  const row = (name) => page.locator("tr", { has: page.getByText(name, { exact: true }) });

  await check("operations: what is stuck, and what it waits for; what needs somebody leads to its page, where it is resumed", async () => {
    suspension.refuseAll = true;
    await begin(0);
    await until(async () => { await page.goto("/portal/operations"); return (await page.getByText("The subscription is locked by its owner.").count()) > 0; }, "it needs somebody");
    mapping.hold = true;
    await begin(1);
    const stuck = page.getByRole("region", { name: "Stuck" });
    await until(async () => { await page.goto("/portal/operations?longerThan=1s"); return (await stuck.getByText("Mapping").count()) > 0; }, "it is stuck");
    await stuck.getByText(/^answers of mapping: /).first().waitFor();
    await picture(page, "operations");
    [mapping.hold, suspension.refuseAll] = [false, false];
    await page.getByRole("region", { name: "Needs somebody" }).getByRole("link").first().click();
    await page.waitForURL("**/portal/transitions/*");
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await until(async () => (await state(page)) === "On the Azure plan", "it goes on to its end");
  });

  await check("a step is paused for a reason, what comes is held there, and it goes on", async () => {
    await page.goto("/portal/operations");
    await row("mapping").getByRole("link", { name: "Pause…" }).click();
    await page.waitForURL("**/steps/mapping");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    same(await page.evaluate(() => document.querySelector("#reason").validity.valueMissing), true, "not without a reason");
    await page.fill("#reason", "the system behind it is down");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.waitForURL("**/portal/operations");
    expect(await row("mapping").getByText("the system behind it is down").isVisible(), "why");
    const location = await begin(2);
    await until(async () => { await page.goto("/portal/operations"); return (await row("mapping").locator("td.amount").nth(1).textContent()) === "1"; }, "one is held");
    await picture(page, "operations-paused");
    await row("mapping").getByRole("link", { name: "Resume…" }).click();
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await page.waitForURL("**/portal/operations");
    await page.goto(`/portal/transitions/${location.split("/").pop()}`);
    await until(async () => (await state(page)) === "On the Azure plan", "what was held goes on");
  });

  await check("processes: each service with its version; the page moves by itself", async () => {
    const version = execFileSync(binary, ["--version"]).toString().trim().split(" ").pop();
    await page.goto("/portal/operations");
    const processes = page.getByRole("region", { name: "Processes" });
    await until(async () => (await processes.locator("tbody tr").count()) === 6, "all six are heard");
    same([...new Set(await processes.locator("td:nth-child(3)").allTextContents())], [version], "their version");
    same((await processes.locator(".mark").allTextContents()).every((text) => text === "alive"), true, "they live");
    await page.evaluate(() => { window.same = true; });
    const act = (what) => server.ask(`/v1/steps/mapping/${what}`, { reason: "a test" });
    await act("pause");
    await until(async () => (await processes.getByText("its step is paused").count()) === 1, "it is shown without being asked for");
    await picture(page, "operations-processes");
    await act("resume");
    await until(async () => (await processes.getByText("its step is paused").count()) === 0, "and that it goes on");
    same(await page.evaluate(() => window.same), true, "the page was not loaded anew");
  });

  await check("queues: what waits is shown as it comes and goes", async () => {
    await page.goto("/portal/operations");
    const queue = page.getByRole("region", { name: "Queues" }).locator("tr", { has: page.getByText("planshift.mapping", { exact: true }) });
    same((await queue.locator("td").allTextContents()).slice(1, 3), ["0", "1"], "nothing waits, and one takes");
    mapping.pace = 2_000;
    for (const at of [3, 4, 5]) await begin(at);
    await until(async () => Number(await queue.locator("td").nth(1).textContent()) > 0, "something waits");
    await picture(page, "operations-queues");
    mapping.pace = 5;
    await until(async () => (await queue.locator("td").nth(1).textContent()) === "0", "nothing waits any more");
  });

  await check("invariants: all hold; one that is violated by hand is shown; what others tell is text", async () => {
    await page.goto("/portal/operations");
    const invariants = page.locator('[data-part="invariants"]');
    await until(async () => (await invariants.getByText("all hold").count()) > 0, "a verification has told");
    expect(await invariants.getByText("serve", { exact: true }).isVisible(), "who it was");
    damage(place, "coordinator", "UPDATE history SET text = text || '.' WHERE number = 2");
    const violated = page.getByRole("region", { name: "Violated invariants, serve", exact: true });
    await until(async () => (await violated.getByText("I19", { exact: true }).count()) === 1, "it is found, and shown");
    await picture(page, "operations-violated");
    damage(place, "coordinator", "UPDATE history SET text = substr(text, 1, length(text) - 1) WHERE number = 2");
    await until(async () => (await violated.count()) === 0, "all hold again");
    const found = [{ subject: "<b>x</b>", text: "<script>window.hit=1</script>" }];
    await server.ask("/v1/invariants", { reporter: "<i>zz</i>", endedAt: new Date(Date.now() + 60_000).toISOString(), everySeconds: 900, invariants: [{ id: "I4", statement: "s", checked: 1, violations: 1, found }] }, server.token, "PUT");
    await until(async () => (await invariants.getByText("<i>zz</i>").count()) > 0, "its name is text");
    await until(async () => (await invariants.getByText("<script>window.hit=1</script>").count()) === 1, "and what it has found");
    same(await page.evaluate(() => window.hit), undefined, "nothing of it is done");
  });

  await check("dead letters by reason, one whole, and a chance whose canary dies stops", async () => {
    await page.goto("/portal/operations/letters");
    same(await page.locator(".title .count").textContent(), "3", "how many");
    await picture(page, "letters");
    await page.getByRole("region", { name: "Dead letters by reason" }).getByRole("link").first().click();
    await page.waitForURL("**code=**");
    await page.getByRole("region", { name: "Letters", exact: true }).getByRole("link").first().click();
    await page.locator("pre.body").waitFor();
    same(await page.locator("pre.body").textContent(), "{not json", "its body");
    pages.push(new URL(page.url()).pathname);
    await picture(page, "letter");
    await page.goto("/portal/operations/letters?type=MapSubscriptions.v1");
    await page.getByRole("link", { name: "Another chance…" }).click();
    expect(await page.getByText(/letters? (is|are) meant/).isVisible() && await page.getByText("MapSubscriptions.v1").isVisible(), "which ones");
    const { pathname, search } = new URL(page.url());
    pages.push(pathname + search, (pathname + search).replace("redrive", "drop"));
    await page.fill("#reason", "it was repaired");
    await page.getByRole("button", { name: "Give them another chance" }).click();
    await page.waitForURL("**/portal/operations/redrives/*");
    await until(async () => (await state(page)) === "Stopped", "its canary has died");
    expect(await page.getByText("one of the first has died").isVisible(), "it says so");
    pages.push(new URL(page.url()).pathname);
    await picture(page, "redrive");
  });

  await check("one letter is dropped by its key, then all of a reason; each with why", async () => {
    await page.goto("/portal/operations/letters");
    await page.getByRole("region", { name: "Letters", exact: true }).getByRole("link").first().click();
    await page.getByRole("link", { name: "Drop…" }).click();
    expect((await page.locator(".lead").textContent()).startsWith("1 "), "one is meant");
    await page.fill("#reason", "noise");
    await page.getByRole("button", { name: "Drop them" }).click();
    await page.waitForURL("**/portal/operations/letters");
    same(await page.locator(".title .count").textContent(), "2", "the others stay");
    await page.getByRole("region", { name: "Dead letters by reason" }).getByRole("link").first().click();
    await page.waitForURL("**code=**");
    await page.getByRole("link", { name: "Drop…" }).click();
    await page.fill("#reason", "noise, all of it");
    await page.getByRole("button", { name: "Drop them" }).click();
    await page.waitForURL("**/portal/operations/letters");
    same(await page.locator(".title .count").textContent(), "0", "none is left");
    const kept = (await server.ask("/v1/deadLetters/dropped")).body.items.map((one) => one.reason);
    same(kept.sort(), ["noise", "noise, all of it", "noise, all of it"], "what is kept of them");
    pages.splice(pages.findIndex((path) => /letters\/./.test(path)), 1);
  });

  await check("whoever is no operator sees its own, and neither steps nor processes nor queues nor invariants nor dead letters", async () => {
    const { context: theirs, page: rita } = await visitor(reader);
    await rita.goto("/portal/operations");
    for (const name of ["Steps", "Processes", "Queues", "Invariants", "Dead letters"]) same(await rita.getByRole("heading", { name }).count(), 0, name);
    expect(await rita.getByRole("heading", { name: "Needs somebody" }).isVisible(), "what is its own");
    for (const path of ["letters", "steps/mapping", "redrive", "drop"]) same((await rita.goto(`/portal/operations/${path}`)).status(), 403, path);
    await theirs.close();
  });
  await context.close();
  return { base: server.api, token: server.token, pages, log: server.log, end: async () => { await server.stop(); mapping.close(); suspension.close(); } };
}
