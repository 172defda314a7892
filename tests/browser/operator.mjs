// What an operator of several partners meets, on a server of its own: partners by name, customers by what stands in their way, a transition
// that needs somebody past its pivot, more dead letters than a page has, and a dossier in French.

import { join } from "node:path";
import { check, expect, same, state, until } from "./checks.mjs";
import { spoiled } from "./operations.mjs";
import { outside, sample, serve } from "./stage.mjs";

/** More dead letters than a page has, and how many that are. */
const [LETTERS, PAGE] = [130, 100];

/** Gives where it is, who may look, the pages that there are then, and how it is ended. */
export async function operator({ binary, folder, visitor, picture }) {
  const suspension = await outside();
  const environment = { PLANSHIFT_SUSPENSION_PROVISIONER_URL: suspension.url, PLANSHIFT_SUSPENSION_PROVISIONER_ALLOW_HTTP: "true" };
  const place = join(folder, "operator");
  await (await serve(binary, place, environment)).stop();
  spoiled(place, LETTERS);
  const server = await serve(binary, place, environment);
  const documents = [["Northwind Cloud", 31, 60], ["Tailspin Services", 32, 4]].map(([name, seed, customers]) => {
    const document = sample(binary, folder, { customers, subscriptions: 3, seed });
    document.partner.name = name;
    return document;
  });
  // every third has something in its way, every sixth two things
  documents[0].customers.forEach((customer, at) => {
    if (at % 3 === 0) customer.agreements = [];
    if (at % 6 === 0) customer.relationshipToPartner = "none";
  });
  for (const document of documents) await server.ask("/v1/accounts", JSON.stringify(document));
  const [own, other] = documents;
  const list = `/portal/customers?partner=${own.partner.id}`;
  /** How many things stand in the way of each, as the API says it. */
  const blockers = new Map();
  for (const { id } of own.customers) {
    const said = await server.ask("/v1/productUpgrades/eligibility", { customerId: id, partnerId: own.partner.id, productFamily: "Azure" });
    blockers.set(id, said.body.reasons?.length ?? 0);
  }
  expect([...blockers.values()].filter((count) => count > 0).length === 20 && [...blockers.values()].some((count) => count > 1), "who is blocked");
  const { context, page } = await visitor(server.token, {}, server.api);
  const pages = [`${list}&sort=blockers&back=1`, "/portal/customers", "/portal/billing", "/portal/batches/new", "/portal/schedules/new"];
  /** The customers of the page, in its order. */
  const shown = () => page.locator("tbody .name").evaluateAll((all) => all.map((one) => new URL(one.href).pathname.split("/").pop()));
  const told = () => page.waitForFunction(() => [...document.querySelectorAll("[data-blocker]")].every((cell) => cell.textContent.trim() !== "…"));

  await check("partners are chosen by name: of customers, billing, batches and schedules", async () => {
    await page.goto("/portal/customers");
    same(await page.locator(".title .count").textContent(), "64", "customers of both");
    expect((await page.locator("tbody").textContent()).includes(own.partner.name), "whose each is");
    await page.selectOption('select[name="partner"]', { label: other.partner.name });
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL(`**partner=${other.partner.id}**`);
    same(await page.locator("tbody tr").count(), 4, "customers of one");
    await page.goto("/portal/billing");
    await page.selectOption("#partner", { label: own.partner.name });
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(`**partnerId=${own.partner.id}**`);
    same(await page.locator(".title .count").textContent(), own.partner.name, "whose billing it is");
    expect(await page.getByRole("link", { name: "Another partner…" }).isVisible(), "and the way to another's");
    for (const path of ["/portal/batches/new", "/portal/schedules/new"]) {
      await page.goto(path);
      same(await page.locator("#partner option").allTextContents(), ["Choose…", ...documents.map((one) => one.partner.name)], path);
    }
  });

  await check("customers by what stands in the way: those that nobody has looked at are looked at, then the worst come first", async () => {
    await page.goto(list);
    await told(); // the fifty of this page are known by it
    await page.locator("thead").getByRole("link", { name: "What stands in the way" }).click();
    await page.waitForURL("**sort=blockers**");
    await page.getByRole("button", { name: "Look at them now" }).click();
    await page.waitForFunction(() => !document.querySelector("[data-look]"));
    await told();
    await picture(page, "customers-sorted");
    const seen = await shown();
    await page.getByRole("link", { name: "Next page" }).click();
    await page.waitForURL("**after=**");
    seen.push(...(await shown()));
    same(new Set(seen).size, own.customers.length, "each once");
    const counts = seen.map((id) => blockers.get(id));
    same(counts, [...counts].sort((a, b) => b - a), "the most first");
    await page.goto(list);
    await page.selectOption('select[name="way"]', "free");
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL("**way=free**");
    same(await page.locator(".title .count").textContent(), "40", "who may move");
    expect((await shown()).every((id) => blockers.get(id) === 0), "and nobody else");
    await page.goto(`${list}&way=blocked`);
    same(await page.locator(".title .count").textContent(), "20", "who may not");
  });

  await check("customers of several partners are sorted by any column, and by what stands in the way", async () => {
    await page.goto("/portal/customers?state=none");
    for (const name of ["Country", "State", "Azure", "Resellers", "Customer", "What stands in the way"]) {
      await page.locator("thead").getByRole("link", { name }).click();
      await page.waitForFunction((heading) => document.querySelector("th[aria-sort]")?.textContent.startsWith(heading), name);
    }
    // an import takes away what those that were shown have brought; they come last, beyond this page
    await server.ask("/v1/accounts", JSON.stringify(other));
    const worst = "/portal/customers?sort=blockers&back=1";
    await until(async () => (await (await page.request.get(worst)).text()).includes(`data-left="${other.customers.length}"`), "those of the other partner have not been looked at");
    await page.goto(worst);
    await page.getByRole("button", { name: "Look at them now" }).click();
    await page.waitForFunction(() => !document.querySelector("[data-look]"));
    await told();
    await picture(page, "customers-of-several");
    const keys = () => page.locator("tbody .name").evaluateAll((all) => all.map((one) => new URL(one.href)).map((url) => [url.pathname.split("/").pop(), url.searchParams.get("partnerId")].join()));
    const seen = await keys();
    await page.getByRole("link", { name: "Next page" }).click();
    await page.waitForURL("**after=**");
    seen.push(...(await keys()));
    same(new Set(seen).size, own.customers.length + other.customers.length, "each once");
    const counts = seen.map((key) => blockers.get(key.split(",")[0]) ?? 0);
    same(counts, [...counts].sort((a, b) => b - a), "the most first");
    await page.goto("/portal/customers?way=free&sort=azure&back=1");
    same(await page.locator(".title .count").textContent(), "44", "who may move, of both");
  });

  await check("an import takes away what was known, and the list says so", async () => {
    const again = structuredClone(own);
    again.customers = again.customers.slice(0, 1);
    again.customers[0].relationshipToPartner = "reseller";
    again.customers[0].agreements = own.customers[1].agreements;
    await server.ask("/v1/accounts", JSON.stringify(again));
    await page.goto(`${list}&way=unknown`);
    await until(async () => { await page.reload(); return (await page.locator(".title .count").textContent()) === "1"; }, "it is not known any more");
    same(await shown(), [again.customers[0].id], "which one");
    await told();
    await page.goto(`${list}&way=blocked`);
    same(await page.locator(".title .count").textContent(), "19", "nothing stands in its way any more");
    same(await page.locator("[data-look]").count(), 0, "and nobody has to be looked at");
  });

  await check("past the pivot nothing is undone: it needs somebody, says why, and is resumed on its own page", async () => {
    suspension.refuseAll = true;
    const one = own.customers[1];
    await page.goto(`/portal/customers/${one.id}/transition?partnerId=${own.partner.id}`);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.waitForURL("**/portal/transitions/*");
    await until(async () => (await state(page)) === "Needs somebody", "it needs somebody");
    for (const text of ["The subscription is locked by its owner.", "What failed, and who says so", "What to do next"]) await page.getByText(text).first().waitFor();
    await until(async () => (await page.title()).includes("Needs somebody"), "its tab says so");
    same(await page.locator("#said").textContent(), await page.title(), "and so does what is heard");
    for (const name of ["Cancel…", "Close"]) same(await page.getByText(name, { exact: true }).count(), 0, name);
    same(await page.getByText("left at this pace").count(), 0, "no end is expected");
    pages.push(new URL(page.url()).pathname);
    await picture(page, "needs-somebody");
    const { context: reading, page: still } = await visitor(server.token, {}, server.api);
    await still.goto(page.url());
    suspension.refuseAll = false;
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    for (const who of [page, still]) await until(async () => (await state(who)) === "On the Azure plan", "it goes on to its end");
    await reading.close();
    expect((await page.locator(".story .fine").allTextContents()).some((text) => text.startsWith("local ")), "who resumed it");
    pages.pop();
  });

  await check("one that has moved and is tried again stays moved; what is left of it, and what stands in its way, is told beside", async () => {
    const one = own.customers[1];
    const again = () => server.ask("/v1/productUpgrades", { customerId: one.id, partnerId: own.partner.id, productFamily: "Azure" }).then(() => false, (error) => /409|400|403/.test(error.message));
    const row = page.locator("tbody tr");
    const find = async (state) => { await page.goto(`${list}&state=${state}&q=${one.id}`); await told(); return (await page.locator(".title .count").textContent()) === "1"; };
    expect(await again(), "nothing is left: it is refused");
    await until(() => find("completed"), "it has moved");
    expect(!(await find("blocked")), "and is not blocked");
    await find("completed");
    same(await row.locator(".mark").allTextContents(), ["On the Azure plan"], "how it stands");
    // a new subscription of the old offer, which may not move
    const more = structuredClone(own);
    more.customers = [structuredClone(one)];
    const id = crypto.randomUUID();
    more.customers[0].subscriptions.push({ ...one.subscriptions[0], id, entitlementId: id, status: "suspended" });
    await server.ask("/v1/accounts", JSON.stringify(more));
    expect(await again(), "it is suspended: it is refused");
    await until(() => find("blocked"), "the rest is blocked");
    same(await row.locator(".mark").allTextContents(), ["On the Azure plan", "Blocked"], "it stands for both");
    expect((await row.locator(".blocker .fault").textContent()).includes(id), "and says what stands in the way");
    expect(await find("completed"), "it is found by both");
    await picture(page, "customer-moved-in-part");
    await page.goto(`/portal/customers/${one.id}?partnerId=${own.partner.id}`);
    same(await page.locator(".title .mark").allTextContents(), ["On the Azure plan", "Blocked"], "its own page says so, too");
  });

  await check("more dead letters than a page has are paged through, each once", async () => {
    await page.goto("/portal/operations/letters");
    same(await page.locator(".title .count").textContent(), String(LETTERS), "how many");
    const region = page.getByRole("region", { name: "Letters", exact: true });
    const keys = () => region.getByRole("link").evaluateAll((all) => all.map((link) => link.pathname));
    const seen = await keys();
    same(seen.length, PAGE, "the first page");
    await page.getByRole("link", { name: "Next page" }).click();
    await page.waitForURL("**after=**");
    seen.push(...(await keys()));
    same(new Set(seen).size, LETTERS, "each once");
    same(await page.getByRole("link", { name: "Next page" }).count(), 0, "the last page");
    const { pathname, search } = new URL(page.url());
    pages.push(pathname + search);
    await page.getByRole("link", { name: "First page" }).click();
    await page.waitForFunction(() => !location.search.includes("after="));
  });

  await check("a dossier's page in French", async () => {
    const { context: french, page: one } = await visitor(server.token, { locale: "fr-FR" }, server.api);
    await one.goto(`/portal/customers/${own.customers[1].id}/dossier?partnerId=${own.partner.id}`);
    same(await one.locator("html").getAttribute("lang"), "fr", "its language");
    await one.getByRole("heading", { name: "Ce qui est arrivé au client" }).waitFor();
    expect((await one.locator('td[lang="en"]').count()) > 5, "what was recorded is marked as English");
    await picture(one, "dossier-french");
    await french.close();
  });
  await context.close();
  return { base: server.api, token: server.token, pages, names: documents.map((one) => one.partner.name), log: server.log, end: async () => { await server.stop(); suspension.close(); } };
}
